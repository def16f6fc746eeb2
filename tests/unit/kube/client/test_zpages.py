"""Proves what a daemon's pages about itself say, and in which form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request

from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.flags import FlagSet, boolean, comma_list, duration, integer
from provisioner.kube.client.zpages import flagz, statusz

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
            statusz(asked(accept), "kube-x", ("/healthz",), STARTED, STARTED)
        assert raised.value.code == 406
        return
    answer = statusz(asked(accept), "kube-x", ("/healthz",), STARTED, STARTED + timedelta(seconds=3725))
    if form == "text":
        assert answer.text is not None
        lines = answer.text.splitlines()
        assert lines[0] == "kube-x statusz" and lines[1].startswith("Warning: This endpoint is not meant to be machine parseable")
        assert lines[3:5] == ["Started: Wed Mar  4 05:06:07 UTC 2026", "Up: 1 hr 02 min 05 sec"]
        return
    assert isinstance(answer.body, bytes)
    document = msgspec.json.decode(answer.body)
    assert document["apiVersion"] == f"config.k8s.io/{form}" and document["metadata"] == {"name": "kube-x"}
    assert (document["startTime"], document["uptimeSeconds"], document["emulationVersion"]) == ("2026-03-04T05:06:07Z", 3725, "1.36")


def test_flagz() -> None:
    made = FlagSet("kube-x", "a test").add("modes", comma_list, [], "").add("ttl", duration, 60.0, "").add("is-on", boolean, True, "")
    flags = made.add("port", integer, 1, "").parse(["--modes=Node,RBAC", "--ttl=90m", "--port=7443"]).as_dict()
    text = flagz(asked(""), "kube-x", flags).text
    assert text is not None and text.startswith("kube-x flags\nWarning: ")
    assert {"modes=[Node,RBAC]", "ttl=1h30m0s", "port=7443", "is-on=true"} <= set(text.splitlines())
    structured = flagz(asked("application/json;v=v1beta1;g=config.k8s.io;as=Flagz"), "kube-x", flags)
    assert isinstance(structured.body, bytes)
    assert msgspec.json.decode(structured.body)["flags"]["ttl"] == "1h30m0s"
