"""Proves the order of authorizers, and when somebody else has to be asked."""

from __future__ import annotations

from typing import Any

from provisioner.kube.apiserver.authorization.authz import AlwaysAllow, AlwaysDeny, Authorizer, LocalMode, Verdict
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target

ANN = User("ann")
ASKED = Target("get", "/x", "", "v1", "pods", "ns", "p")


class Says(LocalMode):
    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict

    def decide(self, user: User, target: Target) -> Verdict:
        return self._verdict


class Remote:
    def __init__(self, verdict: Verdict) -> None:
        self.verdict, self.asked = verdict, 0

    def decide(self, user: User, target: Target) -> None:
        return None

    async def ask(self, user: User, target: Target) -> Verdict:
        self.asked += 1
        return self.verdict


def test_in_turn() -> None:
    chain = Authorizer([Says(Verdict(reason="hm")), Says(Verdict(denied=True, reason="no")), AlwaysAllow()])
    assert chain.decide(ANN, ASKED) == Verdict(denied=True, reason="no")
    assert chain.decide(User("root", ("system:masters",)), ASKED).allowed  # type: ignore[union-attr]
    assert Authorizer([Says(Verdict(reason="hm")), AlwaysDeny()]).decide(ANN, ASKED) == Verdict(reason="hm, Everything is forbidden.")
    assert not Authorizer([]).allows(ANN, ASKED)


async def test_webhooks_are_asked_only_where_all_before_have_no_opinion() -> None:
    remote = Remote(Verdict(allowed=True))
    chain = Authorizer([Says(Verdict()), remote])
    assert chain.decide(ANN, ASKED) is None and not chain.allows(ANN, ASKED)
    assert (await chain.judge(ANN, ASKED)).allowed and remote.asked == 1
    chain = Authorizer([AlwaysAllow(), remote])
    assert (await chain.judge(ANN, ASKED)).allowed and remote.asked == 1


def test_words() -> None:
    assert Authorizer.refusal(ANN, ASKED) == 'User "ann" cannot get resource "pods" in API group "" in the namespace "ns"'
    told: Any = Authorizer.refusal(ANN, Target("get", "/metrics"), "why")
    assert told == 'User "ann" cannot get path "/metrics": why'
