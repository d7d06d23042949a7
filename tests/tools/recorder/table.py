"""The table of all scenarios. A new capture is a new row here and a function elsewhere."""

from __future__ import annotations

from recorder import crafted, odd_frames
from recorder import scenes_completed as done
from recorder import scenes_failed as failed
from recorder import scenes_protocol as protocol
from recorder.model import LOCAL6, NEVER_SENT, PORT, Expected, Scenario, many, one, v6
from recorder.table_files import CONTAINERS, INCOMPLETE

HOUSE = str(PORT)
REPEATED = (2, 4)
RST = {HOUSE: "SYN-RST"}
OK = {HOUSE: "completed"}
NOT_SENT = {HOUSE: NEVER_SENT}
NO_SUCH_PORT = {"619009": NEVER_SENT}


CLOSED = one("closed")

FAILED = (
    Scenario(
        "refused", "Nobody listens on the port, so the kernel answers the SYN with RST.",
        failed.refused, expected=one("refused"), cause="service-not-running",
    ),
    Scenario(
        "refused-ipv6", "Nobody listens on the port of ::1.",
        failed.refused_ipv6, expected=v6("refused"), cause="service-not-running",
    ),
    Scenario(
        "family-mismatch",
        "The server listens on 127.0.0.1 only: ::1 is refused before and after it answers there.",
        failed.family_mismatch, cause="address-family-mismatch", targets=RST,
        expected=(
            Expected("refused", 40001, address=LOCAL6), Expected("closed", 40002),
            Expected("refused", 40003, address=LOCAL6),
        ),
    ),
    Scenario(
        "wrong-bind-address",
        "The server listens on 127.0.0.2 only: 127.0.0.1 is refused before and after it answers.",
        failed.wrong_bind_address, cause="wrong-bind-address", targets=RST,
        expected=(
            Expected("refused", 40001), Expected("closed", 40002, address="127.0.0.2"),
            Expected("refused", 40003),
        ),
    ),
    Scenario(
        "wrong-port", "The service listens on 62893, the client asks 62839 and is refused.",
        failed.wrong_port, cause="wrong-port", targets=NOT_SENT,
        expected=one("refused", server_port=62839),
    ),
    Scenario(
        "drop-input", "A firewall rule discards the SYN and its repetitions.",
        failed.drop_input, expected=one("unanswered", syns=REPEATED), cause="firewall-drop",
    ),
    Scenario(
        "drop-syn-ack", "A firewall rule discards the SYN-ACK, so both sides repeat themselves.",
        failed.drop_syn_ack, expected=one("client-vanished", syns=REPEATED),
        cause="firewall-drop",
    ),
    Scenario(
        "drop-output", "A rule discards the SYN before the interface: the capture is empty.",
        failed.drop_output, cause="firewall-drop", targets=NOT_SENT,
    ),
    Scenario(
        "reject-reset", "A firewall rule answers the SYN with a TCP reset.",
        failed.reject("tcp reset"), expected=one("refused"), cause="firewall-reject",
    ),
    Scenario(
        "reject-icmp-port", "A firewall rule answers with ICMP port unreachable.",
        failed.reject("icmp type port-unreachable"), cause="firewall-reject",
        expected=one("icmp-error", syns=(1, 2)),
    ),
    Scenario(
        "reject-icmp-admin", "A firewall rule answers with ICMP administratively prohibited.",
        failed.reject("icmp type admin-prohibited"), cause="firewall-reject",
        expected=one("icmp-error", syns=(1, 2)),
    ),
    Scenario(
        "reject-icmpv6-port", "A firewall rule answers with ICMPv6 port unreachable.",
        failed.reject("icmpv6 type port-unreachable", LOCAL6), cause="firewall-reject",
        expected=v6("icmp-error", (1, 2)),
    ),
    Scenario(
        "reject-output", "A rule rejects the SYN before the interface: only its RST is seen.",
        failed.reject("tcp reset", chain="output"), cause="firewall-reject", targets=NOT_SENT,
        expected=(Expected("mid-stream", PORT, 40001, syns=(0, 0)),),
    ),
    Scenario(
        "accept-queue-full", "The server accepts nothing: one connection fits, the next SYN is"
        " ignored.", failed.accept_queue_full, cause="accept-queue-overflow",
        targets={HOUSE: "SYN-no-reply"},
        expected=(Expected("silent", 40001), Expected("unanswered", 40002, syns=REPEATED)),
    ),
    Scenario(
        "startup-race", "Three refusals, then the server is up and answers.",
        failed.startup_race, expected=many("refused", "refused", "refused", "closed"),
        cause="startup-race", targets=RST,
    ),
    Scenario(
        "crashed-after-bind", "Two answers, then the server is gone and the client is refused.",
        failed.crashed_after_bind, expected=many("closed", "closed", "refused"),
        cause="crashed-after-bind", targets=RST,
    ),
    Scenario(
        "wrapped-port", "Python wraps port 619009 to 29185, where nobody listens.",
        failed.wrapped_port, expected=one("refused", server_port=failed.WRAPPED),
        cause="port-out-of-range", targets=NO_SUCH_PORT,
    ),
    Scenario(
        "wrapped-port-answered", "Python wraps port 619009 to 29185, where another program"
        " answers; the Host header still says 619009.", failed.wrapped_port_answered,
        expected=one("closed", server_port=failed.WRAPPED), cause="port-out-of-range",
        targets=NO_SUCH_PORT,
    ),
    Scenario(
        "never-sent", "Curl refuses port 619009 before any packet; an unrelated connection is"
        " all there is.", failed.never_sent, cause="port-out-of-range", targets=NO_SUCH_PORT,
        expected=(Expected("closed", 40002, failed.OTHER),),
    ),
    Scenario(
        "proxy-misdirect", "The client asks its proxy for the local address, which cannot reach"
        " it.", failed.proxy_misdirect, cause="proxy-misdirect", targets=NOT_SENT,
        expected=one("closed", server_port=3128),
    ),
    Scenario(
        "gateway-502", "The gateway on 8080 answers 502 because its upstream refuses it.",
        failed.gateway_502, cause="gateway-upstream",
        targets={"8080": "completed", HOUSE: "SYN-RST"},
        expected=(Expected("closed", 40001, 8080), Expected("refused", 40002)),
    ),
    Scenario(
        "gateway-504", "The gateway on 8080 answers 504 because a firewall rule discards its"
        " SYNs.", failed.gateway_504, cause="gateway-upstream",
        targets={"8080": "completed", HOUSE: "SYN-no-reply"},
        expected=(Expected("closed", 40001, 8080), Expected("unanswered", 40002, syns=(2, 2))),
    ),
    Scenario(
        "udp-only", "Datagrams to the port's number and no TCP at all.",
        failed.udp_only, targets=NOT_SENT,
    ),
    Scenario(
        "syn-scan", "A raw socket sends a SYN; the client's own kernel resets the answer.",
        failed.syn_scan, expected=one("client-reset"),
    ),
    Scenario(
        "challenge-ack", "The server still holds an old connection of the 4-tuple and answers"
        " with a bare ACK; the client's RST is discarded.", failed.challenge_ack,
        expected=one("challenge-ack", syns=(1, 3)),
    ),
    Scenario(
        "client-withdrew", "The SYN is ignored and the client takes it back with an RST.",
        craft=crafted.client_withdrew, expected=one("client-withdrew", syns=(2, 2)),
        cause="firewall-drop",
    ),
    Scenario(
        "windows-retry", "A refused SYN is repeated twice with the same sequence number, as"
        " Windows does.", craft=crafted.windows_retry,
        expected=one("refused-repeatedly", syns=(3, 3)), cause="service-not-running",
    ),
    Scenario(
        "server-gave-up", "Nobody acknowledges the SYN-ACK; the server repeats it and resets.",
        craft=crafted.server_gave_up, expected=one("server-gave-up"), cause="firewall-drop",
    ),
    Scenario(
        "unfitting-syn-ack", "The SYN-ACK acknowledges a number the client never sent.",
        craft=crafted.unfitting_syn_ack, expected=one("unfitting-syn-ack", syns=(2, 2)),
    ),
    Scenario(
        "unfitting-rst", "The RST acknowledges a number the client never sent.",
        craft=crafted.unfitting_rst, expected=one("unfitting-rst", syns=(2, 2)),
    ),
    Scenario(
        "crossing-syn", "Both ends send a SYN and neither acknowledges the other's.",
        craft=crafted.crossing_syn, expected=one("crossing-syn", syns=(2, 2)),
    ),
    Scenario(
        "refused-with-payload", "The RST that refuses the SYN carries payload.",
        craft=odd_frames.refused_with_payload, expected=one("refused"), cause="service-not-running",
    ),
    Scenario(
        "fast-open-half-refused", "A SYN with data is refused by an RST that acknowledges the SYN"
        " alone.",
        craft=odd_frames.fast_open_half_refused, expected=one("refused"), cause="service-not-running",
    ),
)  # fmt: skip

COMPLETED = (
    Scenario("http-ok", "A request, a 200, and a FIN each way.", done.http_ok, expected=CLOSED),
    Scenario(
        "happy-eyeballs", "Refused on ::1, then answered on 127.0.0.1: one try that works.",
        done.happy_eyeballs, targets=OK,
        expected=(Expected("refused", 40001, address=LOCAL6), Expected("closed", 40001)),
    ),
    Scenario("http-500", "The service answers with status 500.", done.http_500, expected=CLOSED,
             cause="application-error"),
    Scenario("still-open", "Bytes both ways; the capture ends before the connection.",
             done.still_open, expected=one("still-open")),
    Scenario("half-closed", "The server has answered and closed, the client has not yet.",
             done.half_closed, expected=one("answered")),
    Scenario("silent", "Connected and closed without a byte.", done.silent,
             expected=one("silent")),
    Scenario("reset-by-client", "The client reads the answer and resets.", done.reset_by_client,
             expected=one("reset-by-client")),
    Scenario("reset-early", "The server resets before it has sent a byte.", done.reset_early,
             expected=one("reset-by-server-early"), cause="application-error"),
    Scenario("reset-later", "The server resets in the middle of its answer.", done.reset_later,
             expected=one("reset-by-server"), cause="application-error"),
    Scenario("server-hung", "The request is acknowledged and never answered.", done.server_hung,
             expected=one("server-silent"), cause="server-hung"),
    Scenario("late-answer", "The answer comes after the client has closed, and is reset.",
             done.late_answer, expected=one("reset-by-client"),
             cause="client-timeout-too-short"),
    Scenario("drop-established", "A firewall rule lets the handshake pass and discards the data.",
             done.drop_established, expected=one("server-silent"), cause="firewall-drop"),
    Scenario("tls-to-plain", "A TLS client greets a server that speaks plain HTTP.",
             protocol.tls_to_plain, expected=one("reset-by-client"), cause="protocol-mismatch"),
    Scenario("plain-to-tls", "A plain HTTP client; the TLS server resets without a byte.",
             protocol.plain_to_tls, expected=one("reset-by-server-early"),
             cause="protocol-mismatch"),
    Scenario("plain-to-tls-alert", "A plain HTTP client; a stand-in for a TLS server answers with"
             " an alert.", protocol.plain_to_tls_alert, expected=CLOSED, cause="protocol-mismatch"),
    Scenario("tls-version", "The server wants TLS 1.3, the client offers 1.2: a TLS alert.",
             protocol.tls_version, expected=CLOSED, cause="protocol-mismatch"),
    Scenario("dead-forwarder", "A forwarder accepts, is refused by its own target, and resets.",
             done.dead_forwarder, cause="container-mapping", targets=OK,
             expected=(Expected("reset-by-server-early", 40001),
                       Expected("refused", 40002, done.FORWARDED))),
    Scenario("plain-to-https-400", "A plain HTTP client; nginx answers 400 and says that the"
             " port speaks HTTPS.", protocol.plain_to_https_400, expected=CLOSED,
             cause="protocol-mismatch"),
    Scenario("tls-certificate", "The client does not trust the server's certificate.",
             protocol.certificate_rejected, expected=one("reset-by-client"),
             cause="tls-certificate"),
    Scenario("ssh-banner", "An HTTP client meets the greeting of an SSH server.",
             protocol.ssh_banner, expected=CLOSED, cause="protocol-mismatch"),
    Scenario("port-reuse", "The same source port twice: two connections on one 4-tuple.",
             done.port_reuse, expected=one("reset-by-client") * 2),
    Scenario("fast-open", "The second request travels inside the SYN (TCP Fast Open).",
             done.fast_open, expected=many("closed", "closed")),
    Scenario("fast-open-ignored", "The server acknowledges the SYN but not the data in it.",
             done.fast_open_ignored, expected=many("closed", "closed")),
    Scenario("fast-open-refused", "A SYN with data is refused: the RST acknowledges the data"
             " too.", failed.fast_open_refused, expected=many("closed", "refused"),
             cause="crashed-after-bind", targets=RST),
    Scenario("challenge-ack-recovered", "A challenge ACK, the client's RST, the same SYN again,"
             " and then it works.", failed.challenge_ack_recovered,
             expected=one("closed", syns=(2, 2))),
    Scenario("split-open", "The first SYN is lost; the other end opens towards the waiting"
             " client.", done.split_open, expected=CLOSED),
    Scenario("self-connect", "A socket connects to its own port.", done.self_connect,
             expected=(Expected("silent", PORT),), cause="self-connection", exit_status=1),
    Scenario("simultaneous-open", "Two SYNs cross and both are acknowledged.",
             craft=crafted.simultaneous_open, expected=CLOSED),
    Scenario("forged-rst", "A forged RST that fits comes before the real SYN-ACK.",
             craft=crafted.forged_rst, expected=CLOSED),
    Scenario("syn-ack-twice", "Two SYN-ACKs with different numbers; the client takes the second.",
             craft=crafted.syn_ack_twice, expected=CLOSED),
    Scenario("early-fin", "Server data and FIN precede the client's ACK, which covers both.",
             craft=crafted.early_fin, expected=CLOSED),
    Scenario("ack-with-data", "The ACK that completes the handshake carries the request.",
             craft=odd_frames.ack_with_data, expected=CLOSED),
    Scenario("stray-rst", "An RST that fits nothing comes before the real SYN-ACK.",
             craft=odd_frames.stray_rst, expected=CLOSED),
    Scenario("reset-with-payload", "The server answers, then resets; the RST carries payload.",
             craft=odd_frames.reset_with_payload, expected=one("reset-by-server"),
             cause="application-error", exit_status=0),
    Scenario("rst-after-fin", "Once the server resets after its FIN, once the client when both"
             " have closed.", craft=odd_frames.rst_after_fin,
             expected=many("reset-by-server", "closed")),
)  # fmt: skip

SCENARIOS = (*FAILED, *COMPLETED, *INCOMPLETE, *CONTAINERS)
"""Every capture, in the order of the manifest."""
