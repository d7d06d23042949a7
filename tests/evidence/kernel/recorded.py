"""What kernels print: ``format`` texts and lines of ``trace_pipe``, with where they are from.

Linux 6.18: recorded from the kernel these tests were first run on. Linux 5.17 to 6.0: ``kfree_skb`` as quoted in the
commit message of "net: skb: export skb drop reaons to user by TRACE_DEFINE_ENUM" (netdev, September 2022), its
line in "net: skb: use kfree_skb_with_reason() in tcp_v4_rcv()" (netdev, Message-Id
20211230093240.1125937-3-imagedong@tencent.com), ``tcp_send_reset`` by include/trace/events/tcp.h of Linux 5.17.
"""

KFREE_SKB_6_18 = """\
name: kfree_skb
ID: 2310
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:void * skbaddr;	offset:8;	size:8;	signed:0;
	field:void * location;	offset:16;	size:8;	signed:0;
	field:void * rx_sk;	offset:24;	size:8;	signed:0;
	field:unsigned short protocol;	offset:32;	size:2;	signed:0;
	field:enum skb_drop_reason reason;	offset:36;	size:4;	signed:0;

print fmt: "skbaddr=%p rx_sk=%p protocol=%u location=%pS reason: %s", REC->skbaddr, \
__print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, { 3, "NO_SOCKET" }, { 12, "NETFILTER_DROP" }, \
{ 64, "QDISC_DROP" })
"""

TCP_SEND_RESET_6_18 = """\
name: tcp_send_reset
ID: 2280
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:const void * skbaddr;	offset:8;	size:8;	signed:0;
	field:const void * skaddr;	offset:16;	size:8;	signed:0;
	field:int state;	offset:24;	size:4;	signed:1;
	field:enum sk_rst_reason reason;	offset:28;	size:4;	signed:0;
	field:__u8 saddr[28];	offset:32;	size:28;	signed:0;
	field:__u8 daddr[28];	offset:60;	size:28;	signed:0;

print fmt: "skbaddr=%p skaddr=%p src=%pISpc dest=%pISpc state=%s reason=%s",REC->skbaddr
"""

INET_SOCK_SET_STATE_6_18 = """\
name: inet_sock_set_state
ID: 2287
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:const void * skaddr;	offset:8;	size:8;	signed:0;
	field:int oldstate;	offset:16;	size:4;	signed:1;
	field:int newstate;	offset:20;	size:4;	signed:1;
	field:__u16 sport;	offset:24;	size:2;	signed:0;
	field:__u16 dport;	offset:26;	size:2;	signed:0;
	field:__u16 family;	offset:28;	size:2;	signed:0;
	field:__u16 protocol;	offset:30;	size:2;	signed:0;
	field:__u8 saddr[4];	offset:32;	size:4;	signed:0;
	field:__u8 daddr[4];	offset:36;	size:4;	signed:0;
	field:__u8 saddr_v6[16];	offset:40;	size:16;	signed:0;
	field:__u8 daddr_v6[16];	offset:56;	size:16;	signed:0;

print fmt: "family=%s protocol=%s sport=%hu dport=%hu saddr=%pI4 daddr=%pI4 saddrv6=%pI6c daddrv6=%pI6c \
oldstate=%s newstate=%s", REC->family
"""

FORMATS_6_18 = {
    "skb/kfree_skb": KFREE_SKB_6_18,
    "tcp/tcp_send_reset": TCP_SEND_RESET_6_18,
    "sock/inet_sock_set_state": INET_SOCK_SET_STATE_6_18,
}

REFUSED_6_18 = """\
         python3-11870   [001] ..... 13320.412468: inet_sock_set_state: family=AF_INET protocol=IPPROTO_TCP sport=0 \
dport=47881 saddr=127.0.0.1 daddr=127.0.0.1 saddrv6=::ffff:127.0.0.1 daddrv6=::ffff:127.0.0.1 oldstate=TCP_CLOSE \
newstate=TCP_SYN_SENT
         python3-11870   [001] ..s1. 13320.412512: tcp_send_reset: skbaddr=0000000064f80b02 skaddr=0000000000000000 \
src=127.0.0.1:47881 dest=127.0.0.1:37990 state=UNKNOWN reason=NO_SOCKET
         python3-11870   [001] ..s1. 13320.412520: kfree_skb: skbaddr=0000000064f80b02 rx_sk=0000000000000000 \
protocol=2048 location=tcp_v4_rcv+0x91/0x13f0 reason: NO_SOCKET
         python3-11870   [001] ..... 13320.412540: inet_sock_set_state: family=AF_INET protocol=IPPROTO_TCP \
sport=37990 dport=47881 saddr=127.0.0.1 daddr=127.0.0.1 saddrv6=::ffff:127.0.0.1 daddrv6=::ffff:127.0.0.1 \
oldstate=TCP_SYN_SENT newstate=TCP_CLOSE
"""

DROPPED_IPV6_6_18 = """\
         python3-11870   [000] ..... 13322.061840: inet_sock_set_state: family=AF_INET6 protocol=IPPROTO_TCP sport=0 \
dport=47881 saddr=0.0.0.0 daddr=0.0.0.0 saddrv6=::1 daddrv6=::1 oldstate=TCP_CLOSE newstate=TCP_SYN_SENT
         python3-11870   [000] ..s1. 13322.061873: kfree_skb: skbaddr=000000005935ad69 rx_sk=0000000000000000 \
protocol=34525 location=nft_do_chain+0x3e8/0x610 reason: NETFILTER_DROP
"""

LISTENER_6_18 = """\
         python3-12524   [000] ..... 13366.464450: inet_sock_set_state: family=AF_INET protocol=IPPROTO_TCP \
sport=47881 dport=0 saddr=127.0.0.1 daddr=0.0.0.0 saddrv6=::ffff:127.0.0.1 daddrv6=::ffff:0.0.0.0 \
oldstate=TCP_CLOSE newstate=TCP_LISTEN
         python3-12524   [000] ..... 13369.628452: inet_sock_set_state: family=AF_INET protocol=IPPROTO_TCP \
sport=47881 dport=0 saddr=127.0.0.1 daddr=0.0.0.0 saddrv6=::ffff:127.0.0.1 daddrv6=::ffff:0.0.0.0 \
oldstate=TCP_LISTEN newstate=TCP_CLOSE
"""

KFREE_SKB_5_17 = """\
name: kfree_skb
ID: 1524
format:
        field:unsigned short common_type;       offset:0;       size:2; signed:0;
        field:unsigned char common_flags;       offset:2;       size:1; signed:0;
        field:unsigned char common_preempt_count;       offset:3;       size:1; signed:0;
        field:int common_pid;   offset:4;       size:4; signed:1;

        field:void * skbaddr;   offset:8;       size:8; signed:0;
        field:void * location;  offset:16;      size:8; signed:0;
        field:unsigned short protocol;  offset:24;      size:2; signed:0;
        field:enum skb_drop_reason reason;      offset:28;      size:4; signed:0;

print fmt: "skbaddr=%p protocol=%u location=%p reason: %s", REC->skbaddr, REC->protocol, REC->location, \
__print_symbolic(REC->reason, { 1, "NOT_SPECIFIED" }, { 2, "NO_SOCKET" }, { 7, "NETFILTER_DROP" })
"""

KFREE_SKB_WITHOUT_REASON = """\
name: kfree_skb
ID: 1408
format:
        field:int common_pid;   offset:4;       size:4; signed:1;

        field:void * skbaddr;   offset:8;       size:8; signed:0;
        field:void * location;  offset:16;      size:8; signed:0;
        field:unsigned short protocol;  offset:24;      size:2; signed:0;

print fmt: "skbaddr=%p protocol=%u location=%p", REC->skbaddr, REC->protocol, REC->location
"""
"""Linux before 5.17."""

TCP_SEND_RESET_5_17 = """\
name: tcp_send_reset
format:
        field:const void * skbaddr;     offset:8;       size:8; signed:0;

print fmt: "family=%s sport=%hu dport=%hu saddr=%pI4 daddr=%pI4 saddrv6=%pI6c daddrv6=%pI6c \
state=%s", REC->sport
"""

FORMATS_5_17 = {
    "skb/kfree_skb": KFREE_SKB_5_17,
    "tcp/tcp_send_reset": TCP_SEND_RESET_5_17,
    "sock/inet_sock_set_state": INET_SOCK_SET_STATE_6_18,
}

NO_SOCKET_5_17 = (
    "          <idle>-0       [000] ..s1.    36.113438: kfree_skb: skbaddr=(____ptrval____) protocol=2048 "
    "location=(____ptrval____) reason: NO_SOCKET"
)
