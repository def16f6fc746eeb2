"""Whether a user may: each mode of --authorization-mode is asked in turn; system:masters always may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.requests import Target


class Mode(Protocol):
    def allows(self, user: User, target: Target) -> bool: ...


class AlwaysAllow:
    def allows(self, user: User, target: Target) -> bool:
        return True


class AlwaysDeny:
    def allows(self, user: User, target: Target) -> bool:
        return False


class Authorizer:
    """Without a mode that allows, the answer is no."""

    def __init__(self, modes: Sequence[Mode]) -> None:
        self._modes = tuple(modes)

    def allows(self, user: User, target: Target) -> bool:
        return "system:masters" in user.groups or any(mode.allows(user, target) for mode in self._modes)

    @staticmethod
    def refusal(user: User, target: Target) -> str:
        """Upstream's words for a no."""
        if not target.is_resource:
            return f'User "{user.name}" cannot {target.verb} path "{target.path}"'
        what = f"{target.resource}/{target.subresource}" if target.subresource else target.resource
        where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
        return f'User "{user.name}" cannot {target.verb} resource "{what}" in API group "{target.group}" {where}'
