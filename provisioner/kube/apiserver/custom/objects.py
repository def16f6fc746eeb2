"""A custom object, its kind and its strategy, in the shape that the verbs expect of every kind."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from provisioner.kube.api import codec, moments
from provisioner.kube.api._generated import apiextensions_v1, meta_v1
from provisioner.kube.api._generated.resources import Resource, Subresource
from provisioner.kube.api.errors import FieldError, StatusError, shown
from provisioner.kube.api.field_sets import Schema
from provisioner.kube.api.strategies import Strategy
from provisioner.kube.api.tables.columns import DESCRIPTIONS
from provisioner.kube.api.typed_values import custom_mismatches
from provisioner.kube.api.validation.metadata import PROPAGATIONS, validate_metadata, validate_metadata_update
from provisioner.kube.apiserver.calls import Caller
from provisioner.kube.apiserver.custom import embedded, json_paths, rules, schema
from provisioner.kube.apiserver.custom.cells import cell
from provisioner.kube.apiserver.custom.conversion import Conversion
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.openapi.descriptions import OBJECT

_VERSION = re.compile(rb'"resourceVersion":"(\d+)"')
# Two thirds of a megabyte of numbers, for each version of a definition.
KNOWN_VERSIONS = 16_384
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Custom:
    """`body` is everything but apiVersion, kind and metadata."""

    GROUP, KIND = "", ""

    def __init__(self, api_version: str, kind: str, metadata: meta_v1.ObjectMeta, body: dict[str, Any]) -> None:
        self.api_version, self.kind, self.metadata, self.body = api_version, kind, metadata, body


class CustomStrategy(Strategy):
    def __init__(self, resource: Resource, selectable: tuple[str, ...]) -> None:
        super().__init__(resource)
        self.has_status = any(sub.name == "status" for sub in resource.subresources)
        self._selectable = selectable
        self.creates_on_update, self.needs_version = False, True

    def prepare_create(self, obj: Custom) -> None:
        if self.has_status:
            obj.body.pop("status", None)
        obj.metadata.generation = 1

    def prepare_update(self, new: Custom, old: Custom) -> None:
        self._keep_metadata(new, old)
        if self.has_status:
            new.body.pop("status", None)
            if "status" in old.body:
                new.body["status"] = copy.deepcopy(old.body["status"])
        if new.body != old.body:
            new.metadata.generation = (old.metadata.generation or 0) + 1

    def prepare_status_update(self, new: Custom, old: Custom) -> None:
        status = new.body.get("status")
        managed = new.metadata.managed_fields
        new.metadata = copy.deepcopy(old.metadata)
        new.metadata.managed_fields = managed
        new.body = {key: copy.deepcopy(value) for key, value in old.body.items() if key != "status"}
        if status is not None:
            new.body["status"] = status

    def selectable_fields(self, obj: Custom) -> dict[str, str]:
        fields = {"metadata.name": obj.metadata.name or ""}
        if self.resource.namespaced:
            fields["metadata.namespace"] = obj.metadata.namespace or ""
        for path in self._selectable:
            value = json_paths.first(obj.body, path)
            fields[path.lstrip(".")] = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        return fields

    @property
    def has_own_fields(self) -> bool:
        return bool(self._selectable)

    def field_names(self) -> frozenset[str]:
        return frozenset(("metadata.name", "metadata.namespace", *(path.lstrip(".") for path in self._selectable)))


class CustomKind(Kind):
    """One served version of a definition. `definition` is the whole definition's JSON: its schema is read when first needed."""

    is_custom = True

    def __init__(self, definition: bytes, version: str, hub: str, caller: Caller) -> None:
        self._definition, self._version = definition, version
        document = msgspec.json.decode(definition)
        spec, names = document["spec"], document["spec"]["names"]
        part = next(v for v in spec["versions"] if v["name"] == version)
        group = spec["group"]
        subresources = part.get("subresources") or {}
        subs = []
        if "status" in subresources:
            subs.append(Subresource("status", group, version, names["kind"], ("get", "patch", "update")))
        if "scale" in subresources:
            subs.append(Subresource("scale", "autoscaling", "v1", "Scale", ("get", "patch", "update")))
        self.resource = Resource(
            group,
            version,
            names["plural"],
            names.get("singular") or names["kind"].lower(),
            names["kind"],
            spec["scope"] == "Namespaced",
            VERBS,
            tuple(names.get("shortNames") or ()),
            tuple(names.get("categories") or ()),
            tuple(subs),
            "",
        )
        self.stored_as = f"{group}/{names['plural']}"
        self.scale = subresources.get("scale")
        self.list_kind = names.get("listKind") or f"{names['kind']}List"
        self.strategy = CustomStrategy(self.resource, tuple(f["jsonPath"] for f in part.get("selectableFields") or ()))
        self.type_key = None
        self.deprecation = ""
        # Whether the definition is being deleted: no objects are made any more.
        self.terminating = False
        if part.get("deprecated"):
            self.deprecation = part.get("deprecationWarning") or f"{group}/{version} {names['kind']} is deprecated"
        self._columns = part.get("additionalPrinterColumns") or []
        self._own = f'{{"apiVersion":"{group}/{version}"'.encode()
        self._hub_version = f"{group}/{hub}"
        # Objects that were written when another version was the stored one are still as they were.
        self._mixed = set((document.get("status") or {}).get("storedVersions") or ()) - {hub}
        self._hub = hub == version
        # Whether another schema may have been the one by which objects were written: then those that are older than the definition are
        # filled in and pruned as they are read.
        self._changed = document["metadata"].get("generation", 1) > 1
        self._since = int(document["metadata"].get("resourceVersion") or 0)
        self._differs = not self._hub and part.get("schema") != next((v.get("schema") for v in spec["versions"] if v["name"] == hub), None)
        # versions of objects that are known to need nothing
        self._fits: set[int] = set()
        conversion = spec.get("conversion") or {}
        self._from: Conversion | None = None
        if conversion.get("strategy") == "Webhook":
            config = codec.decode_dict(apiextensions_v1.WebhookClientConfig, conversion["webhook"]["clientConfig"])
            self._from, self._to = (Conversion(names["kind"], f"{group}/{v}", config, caller) for v in (version, hub))

    @property
    def is_hub(self) -> bool:
        return self._hub

    @cached_property
    def described(self) -> bytes:
        """A digest of the schema."""
        return hashlib.sha256(msgspec.json.encode(self.structure)).digest()

    @property
    def as_stored(self) -> bool:
        return self._hub and not self._mixed and not self._changed

    @property
    def converts(self) -> bool:
        return self._from is not None and not (self._hub and not self._mixed)

    async def prepare(self, stored: Iterable[bytes]) -> None:
        if self._from is not None:
            await self._from.prepare(stored)

    async def stored_form(self, document: dict[str, Any]) -> bytes:
        if self._from is None or self._hub:
            return self.stored(document)
        (made,) = await self._to.converted([document])
        made["metadata"].pop("resourceVersion", None)
        return msgspec.json.encode(made)

    def fields(self, body: bytes) -> dict[str, str]:
        return self.strategy.selectable_fields(self.decode(msgspec.json.decode(body)))

    @cached_property
    def structure(self) -> dict[str, Any]:
        """The version's schema; without one everything is kept."""
        versions = msgspec.json.decode(self._definition)["spec"]["versions"]
        part = next(v for v in versions if v["name"] == self._version)
        found: dict[str, Any] | None = (part.get("schema") or {}).get("openAPIV3Schema")
        return found if found is not None else {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

    @cached_property
    def schema(self) -> Schema:
        return Schema("#", schema.rules(self.structure))

    @cached_property
    def struct(self) -> type[Any]:
        return Custom

    def decode(self, document: Mapping[str, Any]) -> Custom:
        moments.settle(meta_v1.ObjectMeta, document.get("metadata"))
        return self._made(document)

    def _made(self, document: Mapping[str, Any]) -> Custom:
        body = copy.deepcopy({key: value for key, value in document.items() if key not in schema.ROOT_FIELDS})
        found = document.get("metadata") or {}
        try:
            metadata = codec.decode_dict(meta_v1.ObjectMeta, found)
        except codec.DecodeError as error:
            raise codec.DecodeError(f"metadata.{error.path}" if error.path else "metadata", error.message) from error
        codec.drop_empties(metadata)
        schema.prune(body, self.structure, root=True)
        schema.default(body, self.structure)
        return Custom(self.resource.api_version, self.resource.kind, metadata, body)

    def load(self, data: bytes) -> Custom:
        return self._made(msgspec.json.decode(self.shown(data)))

    def shown(self, data: bytes) -> bytes:
        if not data.startswith(self._own):
            # `{"apiVersion":"` and the version up to its quote.
            data = self._from.known(data) if self._from is not None else self._own + data[data.index(b'"', 15) + 1 :]
        return self._shaped(data) if self._changed or self._differs else data

    def _shaped(self, data: bytes) -> bytes:
        """The object as this version's schema has it: upstream prunes and fills in what it reads from etcd."""
        found = _VERSION.search(data)
        version = int(found[1]) if found is not None else 0
        if version in self._fits or (version > self._since and not self._differs):
            return data
        document = msgspec.json.decode(data)
        body = copy.deepcopy(document)
        schema.prune(body, self.structure, root=True)
        schema.default(body, self.structure)
        if not schema.same(body, document):
            return msgspec.json.encode(body)
        if len(self._fits) >= KNOWN_VERSIONS:
            self._fits.clear()
        self._fits.add(version)
        return data

    def stored(self, document: dict[str, Any]) -> bytes:
        return msgspec.json.encode({**document, "apiVersion": self._hub_version})

    def to_dict(self, obj: Custom) -> dict[str, Any]:
        return {"apiVersion": obj.api_version, "kind": obj.kind, "metadata": codec.to_dict(obj.metadata), **copy.deepcopy(obj.body)}

    def mismatches(self, document: Any) -> Iterator[str]:
        return custom_mismatches(self.structure, document, self.schema)

    def unknown_fields(self, document: Mapping[str, Any]) -> list[str]:
        body = copy.deepcopy({key: value for key, value in document.items() if key not in schema.ROOT_FIELDS})
        found = codec.unknown_fields(meta_v1.ObjectMeta, document.get("metadata") or {}, "metadata")
        return found + sorted(schema.prune(body, self.structure, root=True))

    def default(self, obj: Custom) -> None:
        schema.default(obj.body, self.structure)

    def table(self, objects: list[Custom], now: datetime) -> tuple[list[dict[str, Any]], list[list[Any]]]:
        columns: list[dict[str, Any]] = [
            {"name": "Name", "type": "string", "format": "name", "description": DESCRIPTIONS["Name"], "priority": 0}
        ]
        listed = self._columns or [{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]
        for c in listed:
            said = (
                c.get("description")
                or ("" if self._columns else DESCRIPTIONS["Age"])
                or f"Custom resource definition column (in JSONPath format): {c['jsonPath']}"
            )
            described = {"format": c.get("format", ""), "description": said, "priority": c.get("priority", 0)}
            columns.append({"name": c["name"], "type": c["type"], **described})
        rows = []
        for obj in objects:
            document = self.to_dict(obj)
            rows.append([obj.metadata.name, *(cell(document, c, now) for c in listed)])
        return columns, rows

    def validate_create(self, obj: Custom) -> list[FieldError]:
        if self.terminating:
            message = "create not allowed while custom resource definition is terminating"
            raise StatusError(405, "MethodNotAllowed", message)
        return validate_metadata(obj) + self._judged(schema.validate(obj.body, self._bodied) + self._embedded(obj), obj, None)

    def warnings(self, new: Custom, old: Custom | None) -> list[str]:
        known = old.metadata.finalizers or () if old is not None else ()
        advice = "prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers"
        fresh = [name for name in new.metadata.finalizers or () if "/" not in name and name not in known and name not in PROPAGATIONS]
        return [f"metadata.finalizers: {shown(name)}: {advice}" for name in fresh]

    def _judged(self, found: list[FieldError], new: Custom, old: Custom | None) -> list[FieldError]:
        """What the schema says, and, where that is nothing, what its rules say."""
        if not self._has_rules:
            return found
        if found:
            message = (
                "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
            )
            return [*found, FieldError("FieldValueInvalid", "<nil>", f'Invalid value: "null": {message}')]
        return rules.broken(self._whole(new), self._whole(old) if old is not None else None, self.structure)

    def _whole(self, obj: Custom) -> dict[str, Any]:
        metadata = {"name": obj.metadata.name or "", "generateName": obj.metadata.generate_name}
        return {
            **obj.body,
            "apiVersion": obj.api_version,
            "kind": obj.kind,
            "metadata": {key: value for key, value in metadata.items() if value is not None},
        }

    def _embedded(self, obj: Custom) -> list[FieldError]:
        return embedded.problems(obj.body, self.structure) if self._has_embedded else []

    @cached_property
    def _has_embedded(self) -> bool:
        return embedded.has_any(self.structure)

    @cached_property
    def _has_rules(self) -> bool:
        return rules.has_rules(self.structure)

    def validate_update(self, new: Custom, old: Custom) -> list[FieldError]:
        found = schema.validate(new.body, self._bodied, old=old.body) + self._embedded(new)
        return validate_metadata_update(new, old) + self._judged(found, new, old)

    def validate_status_update(self, new: Custom, old: Custom) -> list[FieldError]:
        return self.validate_update(new, old)

    @cached_property
    def _bodied(self) -> dict[str, Any]:
        """The schema without what the server itself sees to."""
        required = [name for name in self.structure.get("required") or () if name not in schema.ROOT_FIELDS]
        properties = {k: v for k, v in (self.structure.get("properties") or {}).items() if k not in schema.ROOT_FIELDS}
        return {**self.structure, "required": required, "properties": properties}

    def openapi(self) -> tuple[str, dict[str, Any]]:
        """(definition's name, schema)."""
        resource = self.resource
        name = ".".join([*reversed(resource.group.split(".")), resource.version, resource.kind])
        properties = dict(self.structure.get("properties") or {})
        properties |= {part: {"type": "string", "description": OBJECT[part]} for part in ("apiVersion", "kind")}
        gvk = [{"group": resource.group, "version": resource.version, "kind": resource.kind}]
        return name, {**self.structure, "type": "object", "properties": properties, "x-kubernetes-group-version-kind": gvk}
