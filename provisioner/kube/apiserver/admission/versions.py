"""matchPolicy Equivalent: a webhook or a policy for one version of a resource is asked about requests in any other, in its own version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.registry import Registry


def views(registry: Registry, kind: Kind, match_policy: str | None) -> Iterable[Kind]:
    """The kind itself, then the other versions that a match policy takes too."""
    yield kind
    if match_policy != "Exact" and kind.body_of is None:
        yield from (other for other in registry.versions(kind.stored_as) if other is not kind)


def can_show(kind: Kind, seen: Kind) -> bool:
    """Whether one version is made of the other without asking anybody."""
    return seen is kind or not (kind.converts or seen.converts)


def document(kind: Kind, obj: Obj, seen: Kind) -> dict[str, Any]:
    """An object of `kind` as `seen` shows it, where `can_show`."""
    found = kind.to_dict(obj)
    return found if seen is kind else _read(seen.shown(kind.stored(found)))


async def converted(kind: Kind, obj: Obj, seen: Kind) -> dict[str, Any]:
    """As `document`; who converts is asked. Raises StatusError."""
    if can_show(kind, seen):
        return document(kind, obj, seen)
    body = await kind.stored_form(kind.to_dict(obj))
    await seen.prepare([body])
    return _read(seen.shown(body))


async def taken_back(kind: Kind, found: dict[str, Any], seen: Kind) -> Obj:
    """An object of `kind` out of the document of `seen`. Raises DecodeError, StatusError."""
    if seen is kind:
        return kind.decode(found)
    body = await seen.stored_form(found)
    await kind.prepare([body])
    return kind.decode(_read(kind.shown(body)))


def _read(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(body)
    return found
