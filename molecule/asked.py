"""What daemons on a scenario's host answer, asked from that host itself: a bare Debian has Python, but no curl."""

from __future__ import annotations

from testinfra.host import Host

PKI = "/etc/kubernetes/pki"
# Arguments: URL, authority, certificate, key; each of the last three may be empty. Prints the status, and the body from the next line on.
SCRIPT = """
import ssl, sys, urllib.error, urllib.request
url, authority, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=authority) if authority else ssl._create_unverified_context()
if certificate:
    context.load_cert_chain(certificate, key)
try:
    answer = urllib.request.urlopen(url, timeout=10, context=context)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status)
print(answer.read().decode())
"""


def ask(host: Host, url: str, *, authority: str = "", client: str = "") -> tuple[int, str]:
    """(status, body); status 0 where nothing answers, with the reason. Without `authority` the server's certificate is not checked.
    `client` names a pair under /etc/kubernetes/pki."""
    pair = (f"{PKI}/{client}.crt", f"{PKI}/{client}.key") if client else ("", "")
    said = host.run("python3 -c %s %s %s %s %s", SCRIPT, url, authority and f"{PKI}/{authority}", *pair)
    if said.rc:
        return 0, said.stderr
    status, _, body = said.stdout.partition("\n")
    return int(status), body.strip()
