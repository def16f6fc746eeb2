"""Proves what the server's pages about itself say, and in which form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.debug_pages import flagz, statusz
from provisioner.kube.apiserver.options import flag_set

STARTED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def asked(accept: str) -> Any:
    return make_mocked_request("GET", "/", headers={"Accept": accept} if accept else {})


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "text"),
        ("*/*", "text"),
        ("text/plain", "text"),
        ("application/json;v=v1beta1;g=config.k8s.io;as=Statusz", "v1beta1"),
        ("application/json;v=v1alpha1;g=config.k8s.io;as=Statusz", "v1alpha1"),
        ("application/json;v=v1;g=config.k8s.io;as=Statusz", None),
        ("application/json;v=v1beta1;g=config.k8s.io;as=Flagz", None),
        ("application/json", None),
    ],
)
def test_statusz(accept: str, form: str | None) -> None:
    if form is None:
        with pytest.raises(StatusError) as raised:
            statusz(asked(accept), STARTED, STARTED)
        assert raised.value.code == 406
        return
    answer = statusz(asked(accept), STARTED, STARTED + timedelta(seconds=3725))
    if form == "text":
        assert answer.text is not None
        lines = answer.text.splitlines()
        assert lines[0] == "kube-apiserver statusz" and lines[1].startswith("Warning: This endpoint is not meant to be machine parseable")
        assert lines[3:5] == ["Started: Wed Mar  4 05:06:07 UTC 2026", "Up: 1 hr 02 min 05 sec"]
        return
    assert isinstance(answer.body, bytes)
    document = msgspec.json.decode(answer.body)
    assert document["apiVersion"] == f"config.k8s.io/{form}" and document["metadata"] == {"name": "kube-apiserver"}
    assert (document["startTime"], document["uptimeSeconds"], document["emulationVersion"]) == ("2026-03-04T05:06:07Z", 3725, "1.36")


def test_flagz() -> None:
    flags = flag_set().parse(["--authorization-mode=Node,RBAC", "--event-ttl=90m", "--secure-port=7443"]).as_dict()
    text = flagz(asked(""), flags).text
    assert text is not None and text.startswith("kube-apiserver flags\nWarning: ")
    expected = ("authorization-mode=[Node,RBAC]", "event-ttl=1h30m0s", "secure-port=7443", "anonymous-auth=true", "audit-log-path=")
    assert set(expected) <= set(text.splitlines())
    structured = flagz(asked("application/json;v=v1beta1;g=config.k8s.io;as=Flagz"), flags)
    assert isinstance(structured.body, bytes)
    assert msgspec.json.decode(structured.body)["flags"]["event-ttl"] == "1h30m0s"
