"""Proves which pages the server has about itself, and what they say of it."""

from __future__ import annotations

from aiohttp.test_utils import make_mocked_request

from provisioner.kube.apiserver.debug_pages import pages
from provisioner.kube.apiserver.options import flag_set
from provisioner.kube.client.clock import FakeClock


def test_pages() -> None:
    flags = flag_set().parse(["--authorization-mode=Node,RBAC", "--event-ttl=90m", "--secure-port=7443"])
    found = pages(flags, FakeClock(), None)
    assert set(found) == {"flagz", "statusz"}
    text = {name: page(make_mocked_request("GET", "/")).text or "" for name, page in found.items()}
    expected = ("authorization-mode=[Node,RBAC]", "event-ttl=1h30m0s", "secure-port=7443", "anonymous-auth=true", "audit-log-path=")
    assert set(expected) <= set(text["flagz"].splitlines())
    assert text["statusz"].startswith("kube-apiserver statusz\n") and "/livez" in text["statusz"]
