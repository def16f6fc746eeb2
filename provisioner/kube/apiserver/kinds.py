"""What the server does with one resource's objects: decode, encode, default, validate, and the strategy of its updates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from provisioner.kube.api import codec, defaults, deprecations, errors, moments, tables, warnings
from provisioner.kube.api import validation as rules
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api._generated.resources import Resource
from provisioner.kube.api.errors import FieldError, StatusError
from provisioner.kube.api.field_sets import Schema
from provisioner.kube.api.quantity import FORM
from provisioner.kube.api.strategies import Strategy, strategy_of
from provisioner.kube.api.typed_values import mismatches
from provisioner.kube.api.validation.configuration import ILLEGAL
from provisioner.kube.apiserver.body_refusals import Unfit
from provisioner.kube.apiserver.conversions import CONVERSIONS

Obj = Any


class Kind:
    """A built-in resource: its objects are the generated Structs."""

    # Whether a CustomResourceDefinition made it.
    is_custom = False
    # (specReplicasPath, ...) of a custom resource's scale; built-in kinds have it in their types
    scale: dict[str, str] | None = None
    # (group, version, plural) of what a kind that is only a subresource's body is about
    body_of: tuple[str, str, str] | None = None

    def __init__(self, resource: Resource, stored_as: str) -> None:
        self.resource = resource
        # group/plural under which objects lie in etcd
        self.stored_as = stored_as
        self.strategy: Strategy = strategy_of(resource)
        # The type in merge_rules.RULES; None for kinds without rules, which strategic merge patches can't change.
        self.type_key: str | None = f"{resource.module}.{resource.kind}"
        self.list_kind = f"{resource.kind}List"
        # What everybody who asks for this version is told; "" where there is nothing.
        self.deprecation = deprecations.warning(resource.group, resource.version, resource.kind)

    @property
    def is_hub(self) -> bool:
        """Whether objects are stored in this version's form."""
        return True

    @property
    def described(self) -> bytes:
        """What tells its description from another one under the same name; built-in kinds have one only."""
        return b""

    @property
    def as_stored(self) -> bool:
        """Whether every object is shown as it is stored, byte for byte."""
        return self.is_hub

    @property
    def converts(self) -> bool:
        """Whether showing and storing need somebody else, who is asked by `prepare` and `stored_form`."""
        return False

    async def prepare(self, stored: Iterable[bytes]) -> None:
        """Make `shown` and `load` able to show these."""

    async def stored_form(self, document: dict[str, Any]) -> bytes:
        """As `stored`, of kinds that convert too."""
        return self.stored(document)

    def fields(self, body: bytes) -> dict[str, str]:
        """The selectable fields of a stored object."""
        return self.strategy.selectable_fields(self.load(body))

    @cached_property
    def struct(self) -> type[Any]:
        return self.resource.load()

    def decode(self, document: Mapping[str, Any]) -> Obj:
        """A body; its moments are written in place as they are kept. Raises codec.DecodeError."""
        moments.settle(self.struct, document)
        obj = codec.decode_dict(self.struct, document)
        codec.drop_empties(obj)
        return obj

    def load(self, data: bytes) -> Obj:
        """An object out of the cache."""
        return codec.decode(self.struct, self.shown(data))

    def shown(self, data: bytes) -> bytes:
        """A stored object as this version shows it."""
        return data

    def stored(self, document: dict[str, Any]) -> bytes:
        """This version's document as it is stored; apiVersion, kind and metadata come first."""
        return msgspec.json.encode(document)

    @cached_property
    def schema(self) -> Schema:
        """What server-side apply knows of the kind."""
        return Schema(self.type_key)

    def to_dict(self, obj: Obj) -> dict[str, Any]:
        return codec.to_dict(obj)

    def mismatches(self, document: Any) -> Iterator[str]:
        """What of an applied configuration is not of its field's type."""
        return mismatches(self.struct, document, self.schema)

    def unknown_fields(self, document: Mapping[str, Any]) -> list[str]:
        return codec.unknown_fields(self.struct, document)

    def default(self, obj: Obj) -> None:
        defaults.apply(obj)

    def table(self, objects: list[Obj], now: datetime) -> tuple[list[dict[str, Any]], list[list[Any]]]:
        """(column definitions, a row of cells for each object)."""
        return tables.table(self.resource, objects, now=now)

    def validate_create(self, obj: Obj) -> list[FieldError]:
        return rules.validate_create(obj)

    def refusal(self, metadata: meta_v1.ObjectMeta, found: list[FieldError]) -> StatusError:
        """422 with what is wrong; 400 for what is no quantity or no base64, which upstream's decoder refuses."""
        for mark in (FORM, ILLEGAL):
            for error in found:
                if mark in error.message:
                    return Unfit(self.resource, error.message[error.message.index(mark) :])
        return errors.invalid(self.resource.kind, metadata.name or metadata.generate_name or "", found, self.resource.group)

    def warnings(self, new: Obj, old: Obj | None) -> list[str]:
        """What clients are warned of in a valid object; `old` None: it is created."""
        return warnings.of(new, old)

    def validate_update(self, new: Obj, old: Obj) -> list[FieldError]:
        return rules.validate_update(new, old)

    def validate_status_update(self, new: Obj, old: Obj) -> list[FieldError]:
        return rules.validate_status_update(new, old)


class Version(Kind):
    """A built-in resource whose objects are stored in another version's form, `hub`."""

    def __init__(self, resource: Resource, stored_as: str, hub: Resource) -> None:
        super().__init__(resource, stored_as)
        self._own, self._hub = (f'{{"apiVersion":"{r.api_version}"'.encode() for r in (resource, hub))
        self._hub_version = hub.api_version
        self._convert = CONVERSIONS.get((resource.group, resource.plural, resource.version))

    @property
    def is_hub(self) -> bool:
        return False

    def shown(self, data: bytes) -> bytes:
        if data.startswith(self._hub):
            data = self._own + data[len(self._hub) :]
        if self._convert is None:
            return data
        return msgspec.json.encode(self._convert[1](msgspec.json.decode(data)))

    def stored(self, document: dict[str, Any]) -> bytes:
        if self._convert is not None:
            document = self._convert[0](document)
        return msgspec.json.encode({**document, "apiVersion": self._hub_version})


class _Labelled(msgspec.Struct):
    labels: dict[str, str] | None = None
    name: str = ""
    namespace: str | None = None


class _Outline(msgspec.Struct):
    metadata: _Labelled


_outline = msgspec.json.Decoder(_Outline)


def outline(data: bytes) -> tuple[Mapping[str, str], dict[str, str]]:
    """(labels, name and namespace as selectable fields) of any stored object, without decoding the rest."""
    metadata = _outline.decode(data).metadata
    fields = {"metadata.name": metadata.name}
    if metadata.namespace:
        fields["metadata.namespace"] = metadata.namespace
    return metadata.labels or {}, fields
