"""Proves which request lines and headers the short ways understand: those of most clients, and none that could mean more than they read."""

from __future__ import annotations

import pytest

from provisioner.kube.apiserver.negotiation import Form, accepted
from provisioner.kube.apiserver.quick.entrance import _PLAIN, read_headers, read_line

MAPS = "/api/v1/namespaces/ns/configmaps"


@pytest.mark.parametrize(
    ("line", "verb", "name", "query"),
    [
        (f"GET {MAPS}/one", "get", "one", {}),
        (f"GET {MAPS}/one?resourceVersion=0", "get", "one", {"resourceVersion": "0"}),
        (f"GET {MAPS}", "list", "", {}),
        (f"GET {MAPS}?limit=500&continue=eyJy_-", "list", "", {"limit": "500", "continue": "eyJy_-"}),
        ("GET /apis/apps/v1/deployments?resourceVersion=0", "list", "", {"resourceVersion": "0"}),
        (f"POST {MAPS}", "create", "", {}),
        (f"POST {MAPS}?fieldManager=kubectl-create&fieldValidation=Strict", "create", "", {"fieldManager": "kubectl-create", "fieldValidation": "Strict"}),
        (f"PUT {MAPS}/one", "update", "one", {}),
        ("PATCH /api/v1/nodes/n1/status?fieldManager=k&force=true", "patch", "n1", {"fieldManager": "k", "force": "true"}),
        ("PUT /apis/apps/v1/namespaces/ns/deployments/d/status", "update", "d", {}),
    ],
)  # fmt: skip
def test_lines_that_are_understood(line: str, verb: str, name: str, query: dict[str, str]) -> None:
    found = read_line(f"{line} HTTP/1.1".encode())
    assert found is not None
    assert (found.target.verb, found.target.name, found.query) == (verb, name, query)


@pytest.mark.parametrize(
    "line",
    [
        f"GET {MAPS}?limit=-1",
        f"GET {MAPS}?limit=5&limit=6",
        f"GET {MAPS}?watch=1",
        f"GET {MAPS}?watch=maybe",
        f"GET {MAPS}?resourceVersion=5",
        f"GET {MAPS}/one?limit=5",
        "GET /api/v1/watch/configmaps",
        "GET /api/v1/componentstatuses",
        f"GET {MAPS}/one/status",
        f"GET {MAPS}/one?resourceVersion=5",
        f"GET {MAPS}/one?fieldManager=me",
        f"POST {MAPS}/one",
        f"POST {MAPS}?dryRun=All",
        f"POST {MAPS}?pretty=true",
        f"POST {MAPS}?resourceVersion=0",
        f"POST {MAPS}?fieldManager=a&fieldManager=b",
        f"POST {MAPS}?fieldManager",
        f"POST {MAPS}?fieldManager=a%20b",
        "POST /api/v1/namespaces/ns/pods/p/binding",
        "POST /api/v1/namespaces/ns/pods/p/eviction",
        "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        f"PUT {MAPS}",
        "PUT /apis/apps/v1/namespaces/ns/deployments/d/scale",
        "PUT /api/v1/namespaces/ns/services/s/proxy/a/b",
        "PUT /api/v1/namespaces/ns//configmaps/one",
        "PUT /api/v1/namespaces/ns/configmaps/../secrets/one",
        f"DELETE {MAPS}/one",
        "POST /healthz",
    ],
)
def test_lines_that_are_left_to_the_long_way(line: str) -> None:
    assert read_line(f"{line} HTTP/1.1".encode()) is None
    assert read_line(f"PUT {MAPS}/one HTTP/1.0".encode()) is None


def test_headers_are_read_only_where_all_are_known() -> None:
    found = read_headers(b"Host: x\r\nContent-Type: application/json\r\nAuthorization: Bearer a\r\n")
    assert found is not None and (found["content-type"], found["Authorization"]) == ("application/json", "Bearer a")
    for more in (
        b"Expect: 100-continue",
        b"Transfer-Encoding: chunked",
        b"Content-Length: 5",
        b"Audit-Id: a",
        b"User-Agent: curl/8",
        b"Host: y",
        b" x: y",
    ):
        assert read_headers(b"Host: x\r\n" + more + b"\r\n") is None
    assert read_headers(b"Accept: */*\r\n") is None


@pytest.mark.parametrize("accept", sorted(_PLAIN))
def test_what_is_taken_for_json_means_json(accept: bytes) -> None:
    assert accepted(accept.decode()) == Form()
