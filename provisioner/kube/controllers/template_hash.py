"""The short name of a pod template: equal templates have equal hashes, in upstream's alphabet without vowels. Pure."""

from __future__ import annotations

import hashlib

import msgspec

from provisioner.kube.api._generated import core_v1

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
LABEL = "pod-template-hash"


def template_hash(template: core_v1.PodTemplateSpec | None, collisions: int = 0) -> str:
    """Ten characters. `collisions` makes another one, for when the name was taken by a different template."""
    plain = msgspec.to_builtins(template, str_keys=True) if template is not None else {}
    digest = hashlib.sha256(msgspec.json.encode(plain, order="sorted") + str(collisions or "").encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:10])


def same_template(mine: core_v1.PodTemplateSpec | None, other: core_v1.PodTemplateSpec | None) -> bool:
    """Whether two templates make equal pods, whatever hash labels they carry."""
    return _plain(mine) == _plain(other)


def _plain(template: core_v1.PodTemplateSpec | None) -> object:
    plain = msgspec.to_builtins(template) if template is not None else {}
    metadata = plain.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != LABEL}
    return {**plain, "metadata": {**{k: v for k, v in metadata.items() if k != "creationTimestamp"}, "labels": labels}}
