"""The kernel's trace: what Linux itself says about attempts to connect.

Two halves. The privileged one (``tracefs``, ``filters``, ``instance``; standard library only, it runs in the
elevated helper) makes a private tracefs instance and hands over open descriptors. The unprivileged one
(``formats``, ``lines``, ``trace_reader``) reads their text within bounds. ``evidence.kernel`` ties the
events to attempts.

Limits, measured on Linux 6.18 (``docs/kernel-witness.md``):

- ``skb:kfree_skb`` carries no address, port or namespace. A refusal is tied through the buffer's address, which
  it shares with ``tcp:tcp_send_reset``; any other drop only by thread and time.
- A repeated SYN is sent by a timer, in whichever thread it interrupts: only first SYNs are tied to drops.
- A full accept queue drops the SYN without any event; only the namespace's counters show it.
- State events carry neither namespace nor socket: equal connects from two namespaces look the same. Then the
  answer is *could not tell*.
- A connect that fails before it has a route (no address, denied by policy) makes no event.
- ``bind`` makes no event; ``listen`` and the end of listening do.
- Thread ids are those of the initial pid namespace, names those the threads gave themselves.
"""
