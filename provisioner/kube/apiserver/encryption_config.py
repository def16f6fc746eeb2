"""--encryption-provider-config: which resources are encrypted with which keys. Source: apiserver.config.k8s.io/v1 EncryptionConfiguration."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from provisioner.kube.apiserver import config_files
from provisioner.kube.apiserver.config_files import Configuration, Section
from provisioner.kube.storage.encryption import PROVIDERS, Identity, Provider, Rule

VERSIONS = ("apiserver.config.k8s.io/v1",)
KEY_BYTES = {"aesgcm": (16, 24, 32), "aescbc": (16, 24, 32), "secretbox": (32,)}


class Key(Section, frozen=True, kw_only=True):
    name: str
    secret: str

    def __repr__(self) -> str:
        return f"Key({self.name}, ***)"


class Keys(Section, frozen=True, kw_only=True):
    keys: tuple[Key, ...]


class Nothing(Section, frozen=True, kw_only=True):
    """`identity: {}`."""


class ProviderConfiguration(Section, frozen=True, kw_only=True):
    """One of them."""

    aesgcm: Keys | None = None
    aescbc: Keys | None = None
    secretbox: Keys | None = None
    identity: Nothing | None = None
    kms: dict[str, Any] | None = None


class ResourceConfiguration(Section, frozen=True, kw_only=True):
    resources: tuple[str, ...]
    providers: tuple[ProviderConfiguration, ...]


class EncryptionConfiguration(Configuration, frozen=True, kw_only=True):
    resources: tuple[ResourceConfiguration, ...]


def load(path: str) -> list[Rule]:
    """Raises ValueError with everything that is wrong; keys are in no message."""
    found = config_files.load(path, EncryptionConfiguration, "EncryptionConfiguration", VERSIONS)
    problems: list[str] = []
    rules = []
    seen: set[str] = set()
    for index, entry in enumerate(found.resources):
        where = f"resources[{index}]"
        if not entry.resources or not entry.providers:
            problems.append(f"{where}: resources and providers are both needed")
            continue
        problems += [f"{where}.resources: {name}: {why}" for name in entry.resources if (why := _wrong(name, seen))]
        seen.update(entry.resources)
        providers: list[Provider] = []
        for place, provider in enumerate(entry.providers):
            try:
                providers += _made(provider)
            except ValueError as error:
                problems.append(f"{where}.providers[{place}]{error}")
        rules.append(Rule(entry.resources, tuple(providers)))
    if problems:
        raise ValueError("\n".join(f"{path}: {problem}" for problem in problems))
    return rules


def _wrong(name: str, seen: set[str]) -> str:
    if name in seen:
        return "is there already, in an entry before"
    if "*.*" in seen or "*." + name.partition(".")[2] in seen:
        return "an entry before takes it already, by a wildcard"
    if name == "*":
        return "use *.* for all resources or *. for those of the core group"
    if "*" in name and not name.startswith("*."):
        return "a wildcard stands for the whole name of a resource, like *.apps"
    if name != name.lower():
        return "expected lower case"
    return ""


def _made(provider: ProviderConfiguration) -> Iterable[Provider]:
    given = [name for name in provider.__struct_fields__ if getattr(provider, name) is not None]
    if len(given) != 1:
        raise ValueError(f": expected one of aesgcm, secretbox, aescbc, identity, found {', '.join(given) or 'none'}")
    if given[0] == "kms":
        raise ValueError(".kms: key management services are not supported; use aesgcm or secretbox")
    if given[0] == "identity":
        return [Identity()]
    kind = given[0]
    keys: Keys = getattr(provider, kind)
    if not keys.keys:
        raise ValueError(f".{kind}.keys: at least one is needed")
    names = [key.name for key in keys.keys]
    made = []
    for index, key in enumerate(keys.keys):
        where = f".{kind}.keys[{index}]"
        if not key.name or ":" in key.name or names.count(key.name) > 1:
            raise ValueError(f"{where}.name: expected a name of its own, without colons")
        try:
            secret = base64.b64decode(key.secret, validate=True)
        except binascii.Error:
            raise ValueError(f"{where}.secret: no base64") from None
        if len(secret) not in KEY_BYTES[kind]:
            lengths = " or ".join(map(str, KEY_BYTES[kind]))
            raise ValueError(f"{where}.secret: expected {lengths} bytes in base64, found {len(secret)} bytes")
        made.append(PROVIDERS[kind](key.name, secret))
    return made
