"""The contenders: synscope, and every peer that is measured beside it. One row each."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from .record import PORT

FILTER = f"tcp port {PORT} and tcp[tcpflags] & (tcp-syn|tcp-rst|tcp-fin) != 0"
TSHARK = ("tshark", "-n", "--disable-protocol", "http")
HERE = Path(__file__).parent
US = "synscope"
PCAP = (".pcap",)
LIBPCAP = (".pcap", ".pcapng")
EVERY = (".pcap", ".pcapng", ".pcap.gz", ".pcap.zst")
FILE = "{file}"
SLOW = 100_000


@dataclass(frozen=True)
class Contender:
    """One command that is timed."""

    key: str
    does: str
    """What it answers, in the words of the published table."""

    argv: tuple[str, ...]
    """The command; ``FILE`` stands for the capture."""

    version_argv: tuple[str, ...] = ()
    """The command that names its version; empty for a Python module."""

    module: str = ""
    """The Python module it needs, when it is a loop of ours."""

    reads: tuple[str, ...] = PCAP
    """The endings of the files it can read."""

    limit: int | None = None
    """The most packets it is given; ``None`` for no limit."""

    env: Mapping[str, str] = field(default_factory=dict)

    def command(self, path: Path) -> list[str]:
        """Build the command for one capture."""
        return [str(path) if word == FILE else word for word in self.argv]

    def takes(self, name: str, packets: int) -> bool:
        """Say whether it is measured on such an input."""
        ending = name[name.index(".") :]
        return ending in self.reads and (self.limit is None or packets <= self.limit)

    def missing(self) -> str | None:
        """Say what is not installed, or ``None``."""
        if self.module and importlib.util.find_spec(self.module) is None:
            return f"Python module {self.module} is not installed"
        if shutil.which(self.argv[0]) is None:
            return f"{self.argv[0]} is not installed"
        return None

    def version(self) -> str:
        """Name the version found."""
        if self.module:
            return f"{self.module} {metadata.version(self.module)}"
        environ = {**os.environ, **self.env}
        try:
            done = subprocess.run(
                self.version_argv,
                capture_output=True,
                check=False,
                env=environ,
                text=True,
                timeout=30,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"version unknown ({type(error).__name__})"
        for line in (done.stdout + done.stderr).splitlines():
            found = re.search(r"\d+\.\d+[\w.]*", line)
            if found:
                return f"{Path(self.argv[0]).name} {found[0]}"
        return "version unknown"


def contenders(synscope: str) -> list[Contender]:
    """Every contender, ours first; ``synscope`` is the executable to measure."""
    ours = (synscope, "analyze", FILE, "--format", "json")
    version = (synscope, "--version")
    loop = "counts SYN, SYN-ACK and RST for each 4-tuple"
    return [
        Contender(
            US,
            "labels every attempt, JSON report",
            ours,
            version,
            reads=EVERY,
            env={"SYNSCOPE_ENGINE": "compiled"},
        ),
        Contender(
            "synscope-interpreted",
            "the same, without the compiled engine",
            ours,
            version,
            reads=EVERY,
            limit=SLOW,
            env={"SYNSCOPE_ENGINE": "interpreted"},
        ),
        Contender(
            "tcpdump",
            "only filters SYN, FIN and RST packets; labels nothing",
            ("tcpdump", "-r", FILE, "-w", "/dev/null", FILTER),
            ("tcpdump", "--version"),
            reads=LIBPCAP,
        ),
        Contender(
            "argus",
            "flow records with TCP state; it sleeps, so wall time comes in whole seconds: see CPU",
            ("argus", "-X", "-r", FILE, "-w", "/dev/null"),
            ("argus", "-h"),
        ),
        Contender(
            "tshark",
            "`tcp.completeness` of every packet, one pass, HTTP dissector off",
            (*TSHARK, "-r", FILE, "-T", "fields", "-e", "tcp.stream", "-e", "tcp.completeness"),
            ("tshark", "--version"),
            limit=SLOW,
        ),
        Contender(
            "scapy",
            f"Scapy loop: {loop}",
            (sys.executable, str(HERE / "loop_scapy.py"), FILE),
            module="scapy",
            limit=SLOW,
        ),
        Contender(
            "dpkt",
            f"dpkt loop: {loop}",
            (sys.executable, str(HERE / "loop_dpkt.py"), FILE),
            module="dpkt",
            limit=SLOW,
        ),
        Contender(
            "gzip",
            "decompresses, nothing more",
            ("gzip", "-dc", FILE),
            ("gzip", "--version"),
            reads=(".pcap.gz",),
        ),
        Contender(
            "zstd",
            "decompresses, nothing more",
            ("zstd", "-dc", FILE),
            ("zstd", "--version"),
            reads=(".pcap.zst",),
        ),
    ]
