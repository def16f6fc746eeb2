"""Verification waits for what was asked, and says what is missing when the deadline passes."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.cluster import verify
from provisioner.cluster.api import Api, ApiError
from provisioner.cluster.errors import VerifyError


def node(name: str, ready: str, message: str = "") -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "message": message}]
    info = {"kubeletVersion": "v1.36.0", "containerRuntimeVersion": "docker://20.10"}
    return {"metadata": {"name": name}, "status": {"conditions": conditions, "nodeInfo": info}}


class FakeApi(Api):
    """Gives the answers in turn; the last one again and again."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, str]] = []

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        self.requests.append((method, path.partition("?")[0]))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "POLL_S", 0.0)


def test_waits_until_all_are_ready() -> None:
    told: list[str] = []
    api = FakeApi(ApiError("refused"), {"items": [node("a", "False", "no network")]}, {"items": [node("a", "True"), node("b", "True")]})
    found = verify.wait_for_nodes(api, ["a", "b"], told.append)
    assert [state.ready for state in found.values()] == [True, True]
    assert found["a"].runtime == "docker://20.10"
    assert told == ["waiting for nodes: a, b"]


def test_deadline_names_each_node_and_why() -> None:
    api = FakeApi({"items": [node("a", "False", "docker is down"), node("c", "True")]})
    with pytest.raises(VerifyError, match=r"a: docker is down; b: not registered"):
        verify.wait_for_nodes(api, ["a", "b", "c"], lambda _: None, timeout_s=0.0)


def test_smoke_is_removed_whatever_happens() -> None:
    good = FakeApi({}, {}, {"status": {"availableReplicas": 1}}, {"status": {"availableReplicas": 2}}, {})
    assert verify.smoke(good, "busybox:1.35", lambda _: None) >= 0
    assert [m for m, _ in good.requests] == ["DELETE", "POST", "GET", "GET", "DELETE"]

    slow = FakeApi({}, {}, ApiError("timed out"), {"status": {"availableReplicas": 2}}, {})
    assert verify.smoke(slow, "busybox:1.35", lambda _: None) >= 0, "one slow answer is not the end"

    unheard = FakeApi({}, ApiError("timed out"), ApiError("AlreadyExists", 409), {"status": {"availableReplicas": 2}}, {})
    assert verify.smoke(unheard, "busybox:1.35", lambda _: None) >= 0, "it was made all the same"
    with pytest.raises(VerifyError, match="AlreadyExists"):
        verify.smoke(FakeApi({}, ApiError("AlreadyExists", 409)), "busybox:1.35", lambda _: None)

    pods = {
        "items": [
            {"metadata": {"name": "p"}, "status": {"phase": "Pending", "conditions": [{"status": "False", "message": "no node fits"}]}}
        ]
    }
    bad = FakeApi({}, {}, {"status": {}}, pods, {})
    with pytest.raises(VerifyError, match=r"0 of 2 pods: p is Pending no node fits"):
        verify.smoke(bad, "busybox:1.35", lambda _: None, timeout_s=-1.0)
    assert bad.requests[-1][0] == "DELETE"
