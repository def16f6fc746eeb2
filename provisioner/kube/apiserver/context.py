"""What travels with a request: who asks, for what, with which options; and the server's parts that answering needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.kube.api.strict import NONE, Doubles
from provisioner.kube.apiserver.requests import Target


@dataclass(frozen=True, slots=True)
class User:
    """authentication.k8s.io UserInfo."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def node_name(self) -> str:
        """The node that this user is the kubelet of, or ""."""
        return self.name.removeprefix("system:node:") if self.name.startswith("system:node:") and "system:nodes" in self.groups else ""


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
LOOPBACK = User("system:apiserver", ("system:masters", "system:authenticated"))


def _nothing() -> None: ...


@dataclass(slots=True)
class Call:
    """One request. `warnings` become Warning headers (RFC 7234, code 299)."""

    user: User
    target: Target
    query: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    field_manager: str = ""
    warnings: list[str] = field(default_factory=list)
    # members that the body has twice: fieldValidation looks at them with unknown ones
    doubles: Doubles = NONE
    audit_id: str = ""
    # whether the name of what is created was made up by the server: the request itself has none
    names_itself: bool = False
    # DeleteOptions of a deletion, as the API names them
    delete_options: Mapping[str, Any] = field(default_factory=dict)
    # what admission has to say to the audit log
    annotations: dict[str, str] = field(default_factory=dict)
    # whether a webhook or a policy has changed the object: the server's own plug-ins look at it again
    mutated: bool = False
    # called when a watch begins to answer
    begun: Callable[[], None] = _nothing

    def warn(self, texts: Iterable[str]) -> None:
        """Once of each: a write may be tried again."""
        self.warnings += [text for text in texts if text not in self.warnings]
