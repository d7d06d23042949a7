"""SYN158: the server refuses the name in the Host header."""

from __future__ import annotations

from synscope.causes.cause import Cause, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN158",
    slug="host-refused",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The service on port {port} does not allow the host name that the client uses",
    summary="The connection to port {port} works; the service serves other host names than the request's.",
    meaning=(
        "A server that guards against DNS rebinding serves only requests whose Host header it knows: its own "
        "address, localhost, and the names in a list. A new name (a proxy's, a container's, one from the hosts "
        "file, a tunnel's) gets 400, 403 or 421, whatever the path. The service and the way to it are well."
    ),
    documented_in=("field",),
    stops=(Stage.SERVE,),
    predicts=(
        usually("host-header-refused"),
        seldom("http-server-error"),
    ),
    decided_by="the same request with Host: localhost, which is answered well",
    checks=on_each_os(
        linux='curl -si -H "Host: localhost:{port}" "http://{host}:{port}/" | head -5',
        macos='curl -si -H "Host: localhost:{port}" "http://{host}:{port}/" | head -5',
        windows='curl.exe -si -H "Host: localhost:{port}" "http://{host}:{port}/" | Select-Object -First 5',
        expect="a good answer, where the same without -H is refused",
        then="add the client's name to the list of the service. Refused as well: the name is not the reason",
    ),
    fixes=(
        "Add the name to the service's list: ALLOWED_HOSTS (Django), config.hosts (Rails),"
        " server.allowedHosts (Vite),"
        " allowedHosts (webpack), rpc-host-whitelist (Transmission), allow_remote_access (Jupyter).",
        "Or let the proxy send a name that the service knows: proxy_set_header Host, changeOrigin.",
        "Do not switch the check off on a service without a password: it protects against web pages of others.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-7.2",
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5.20",
        "https://vite.dev/config/server-options.html#server-allowedhosts",
        "https://docs.djangoproject.com/en/stable/ref/settings/#allowed-hosts",
    ),
    proof=(yes("host-header-refused"),),
    shows_by=(yes("host-header-refused"),),
    refines=("application-error",),
    says=(("host-header-refused", "{observed}."),),
    headlines=(("host-header-refused", "{observed}"),),
)
