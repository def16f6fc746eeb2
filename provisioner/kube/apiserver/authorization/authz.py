"""Whether a user may: each authorizer is asked in turn until one allows or denies; system:masters always may.

Those that know the answer themselves (RBAC, Node, AlwaysAllow) are asked without leaving the event loop; webhooks are asked only where all
before them have no opinion. Source: "Authorization" in the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target


@dataclass(frozen=True, slots=True)
class Verdict:
    """Neither allowed nor denied: no opinion, the next authorizer is asked."""

    allowed: bool = False
    denied: bool = False
    reason: str = ""


NO_OPINION = Verdict()
MASTERS = Verdict(allowed=True)


class Mode(Protocol):
    def decide(self, user: User, target: Target) -> Verdict | None:
        """None where somebody else must be asked, by `ask`."""

    async def ask(self, user: User, target: Target) -> Verdict: ...


class LocalMode:
    """One that always knows: `decide` never gives None."""

    def decide(self, user: User, target: Target) -> Verdict:
        raise NotImplementedError

    async def ask(self, user: User, target: Target) -> Verdict:
        return self.decide(user, target)

    def allows(self, user: User, target: Target) -> bool:
        return self.decide(user, target).allowed


class AlwaysAllow(LocalMode):
    _verdict = Verdict(allowed=True)

    def decide(self, user: User, target: Target) -> Verdict:
        return self._verdict


class AlwaysDeny(LocalMode):
    _verdict = Verdict(reason="Everything is forbidden.")

    def decide(self, user: User, target: Target) -> Verdict:
        return self._verdict


class Authorizer:
    """Without a mode that allows, the answer is no."""

    def __init__(self, modes: Sequence[Mode]) -> None:
        self.replace(modes)

    def replace(self, modes: Sequence[Mode]) -> None:
        """Others from now on."""
        self._modes = tuple(modes)

    def decide(self, user: User, target: Target) -> Verdict | None:
        """None where a webhook has to be asked: see `judge`."""
        if "system:masters" in user.groups:
            return MASTERS
        reasons = []
        for mode in self._modes:
            verdict = mode.decide(user, target)
            if verdict is None or verdict.allowed or verdict.denied:
                return verdict
            if verdict.reason:
                reasons.append(verdict.reason)
        return Verdict(reason=", ".join(reasons)) if reasons else NO_OPINION

    async def judge(self, user: User, target: Target) -> Verdict:
        """As `decide`, asking webhooks where it takes one."""
        found = self.decide(user, target)
        if found is not None:
            return found
        reasons = []
        for mode in self._modes:
            verdict = await mode.ask(user, target)
            if verdict.allowed or verdict.denied:
                return verdict
            if verdict.reason:
                reasons.append(verdict.reason)
        return Verdict(reason=", ".join(reasons))

    def allows(self, user: User, target: Target) -> bool:
        """What is known without asking a webhook: for the authorizer of CEL expressions, which can't wait."""
        verdict = self.decide(user, target)
        return verdict is not None and verdict.allowed

    @staticmethod
    def refusal(user: User, target: Target, reason: str = "") -> str:
        """Upstream's words for a no."""
        if not target.is_resource:
            told = f'User "{user.name}" cannot {target.verb} path "{target.path}"'
        else:
            what = f"{target.resource}/{target.subresource}" if target.subresource else target.resource
            where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
            told = f'User "{user.name}" cannot {target.verb} resource "{what}" in API group "{target.group}" {where}'
        return f"{told}: {reason}" if reason else told
