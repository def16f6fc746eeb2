"""What differs between two forms of an object, for refusals that would otherwise not say what they are about. Upstream's tell it as Go's
comparison library does, in a form that is different each time; this one is shorter. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioner.kube.api import codec
from provisioner.kube.api.errors import shown

# A refusal is for reading.
MAX_LINES = 40


def differences(old: Any, new: Any) -> str:
    """Lines of what is gone (-) and what is new (+), each with its path, and what leads up to them."""
    lines = list(_lines("", codec.to_dict(old), codec.to_dict(new)))
    return "".join(f"{line}\n" for line in [*lines[:MAX_LINES], *(["  ..."] if len(lines) > MAX_LINES else [])])


def _lines(path: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            yield from _lines(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _lines(f"{path}[{index}]", before, after)
    else:
        if old is not None:
            yield f"- {path}: {shown(old)}"
        if new is not None:
            yield f"+ {path}: {shown(new)}"
