"""How a person asks a question without this program: commands for each system, and how to read what they print.

The placeholders are those of ``causes.placeholders``: ``{port}``, ``{host}``, ``{address}``. ``FILE`` stands for a
capture, ``PID`` for a process that an earlier command named. Commands for Windows are PowerShell.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_A_FRAME: Final = "a frame is listed: yes; none is: no"
_LINUX_LISTENERS: Final = "ss -ltnp 'sport = :{port}'"
_MACOS_LISTENERS: Final = "lsof -nP -iTCP:{port} -sTCP:LISTEN"
_WINDOWS_LISTENERS: Final = (
    "Get-NetTCPConnection -State Listen -LocalPort {port} -ErrorAction SilentlyContinue"
)


class ByHand(NamedTuple):
    """A command, and how its output answers the question."""

    os: str
    """``linux``, ``macos``, ``windows`` or ``any``."""
    command: str
    reading: str


def on_any(command: str, reading: str) -> tuple[ByHand, ...]:
    """Return the same command for every system."""
    return (ByHand("any", command, reading),)


def on_linux(command: str, reading: str) -> tuple[ByHand, ...]:
    """Return a command that only Linux has."""
    return (ByHand("linux", command, reading),)


def on_each(*, linux: str, macos: str, windows: str, reading: str) -> tuple[ByHand, ...]:
    """Return a command a system, all read alike."""
    return (
        ByHand("linux", linux, reading),
        ByHand("macos", macos, reading),
        ByHand("windows", windows, reading),
    )


def in_capture(display_filter: str, reading: str = _A_FRAME) -> tuple[ByHand, ...]:
    """Return the look at a capture through a display filter of Wireshark, among the target's segments."""
    return on_any(f'tshark -r FILE -Y "tcp.port == {{port}} && {display_filter}"', reading)


def in_tls(display_filter: str, reading: str = _A_FRAME) -> tuple[ByHand, ...]:
    """Return the look at TLS in a capture, whose records are looked for at the target's port."""
    command = f'tshark -r FILE -d "tcp.port=={{port}},tls" -Y "tcp.port == {{port}} && {display_filter}"'
    return on_any(command, reading)


def in_frames(display_filter: str, reading: str = _A_FRAME) -> tuple[ByHand, ...]:
    """Return the look at a capture through a display filter, whatever the port."""
    return on_any(f'tshark -r FILE -Y "{display_filter}"', reading)


def in_conversations(reading: str) -> tuple[ByHand, ...]:
    """Return the list of the target's connections, each with its bytes, its beginning and its length."""
    return on_any('tshark -r FILE -q -z "conv,tcp,tcp.port == {port}"', reading)


def in_first_bytes(reading: str) -> tuple[ByHand, ...]:
    """Return the look at what both sides of the first connection said."""
    return on_any('tshark -r FILE -q -z "follow,tcp,ascii,0"', reading)


def of_listeners(reading: str) -> tuple[ByHand, ...]:
    """Return who listens on the port, and at which address."""
    return on_each(
        linux=_LINUX_LISTENERS, macos=_MACOS_LISTENERS, windows=_WINDOWS_LISTENERS, reading=reading
    )


def of_all_listeners(reading: str) -> tuple[ByHand, ...]:
    """Return who listens on any port."""
    return on_each(
        linux="ss -ltnp",
        macos="lsof -nP -iTCP -sTCP:LISTEN",
        windows="Get-NetTCPConnection -State Listen | Sort-Object LocalPort",
        reading=reading,
    )


def of_firewall(reading: str) -> tuple[ByHand, ...]:
    """Return the firewall's rules, with their counters where the system keeps them."""
    return on_each(
        linux="sudo nft list ruleset; sudo iptables-save -c; sudo ip6tables-save -c",
        macos="sudo pfctl -sr -v",
        windows="Get-NetFirewallRule -Enabled True -Action Block | Get-NetFirewallPortFilter",
        reading=reading,
    )


def of_process(reading: str) -> tuple[ByHand, ...]:
    """Return the state of the process that has the port."""
    return on_each(
        linux="ps -o pid,stat,wchan:20,args -p PID",
        macos="ps -o pid,stat,wchan,args -p PID",
        windows="Get-Process -Id PID | Format-List Id, ProcessName, Responding",
        reading=reading,
    )


def of_client(reading: str) -> tuple[ByHand, ...]:
    """Return what a client says when it is run again."""
    return on_each(
        linux="{probe}",
        macos="{probe}",
        windows="{probe}",
        reading=reading,
    )


def in_log(what: str, reading: str) -> tuple[ByHand, ...]:
    """Return the search for ``what``, a regular expression, in the system's log of the last ten minutes."""
    return on_each(
        linux=f"journalctl --since -10min --no-pager | grep -iE '{what}'",
        macos=f"log show --last 10m --style compact | grep -iE '{what}'",
        windows="Get-WinEvent -FilterHashtable @{LogName='Application'; StartTime=(Get-Date).AddMinutes(-10)} "
        f"| Where-Object Message -match '{what}'",
        reading=reading,
    )


def in_drops(reading: str) -> tuple[ByHand, ...]:
    """Return the kernel's own reasons for what it drops, while the failure is reproduced."""
    return on_linux(
        "sudo timeout 10 perf trace --no-syscalls -e skb:kfree_skb -e tcp:tcp_send_reset", reading
    )


def in_rules(reading: str) -> tuple[ByHand, ...]:
    """Return the rules that the port's packets meet, while the failure is reproduced."""
    return on_linux(
        "printf 'add table inet seen { flags owner; chain a { type filter hook output priority -301; "
        "tcp dport {port} meta nftrace set 1; }; chain b { type filter hook prerouting priority -301; "
        "tcp dport {port} meta nftrace set 1; }; }\\nmonitor trace\\n' | sudo timeout 20 nft -i",
        reading,
    )


def in_states(reading: str) -> tuple[ByHand, ...]:
    """Return the changes of TCP sockets' states, while the failure is reproduced."""
    return on_linux("sudo timeout 10 perf trace --no-syscalls -e sock:inet_sock_set_state", reading)


def in_calls(calls: str, reading: str) -> tuple[ByHand, ...]:
    """Return the system calls of a program, with their errors."""
    return on_linux(f"strace -f -e trace={calls} COMMAND", reading)
