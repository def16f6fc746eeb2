"""Follows the CustomResourceDefinitions: registers the kinds they serve, writes their conditions, clears up behind them.

Each API server does this for itself; what they write is the same, and the loser of a race looks again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from provisioner.kube.api import codec
from provisioner.kube.api._generated import apiextensions_v1, meta_v1
from provisioner.kube.api.errors import StatusError, invalid
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.api.validation.extensions import APPROVAL
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.calls import Caller
from provisioner.kube.apiserver.context import LOOPBACK, Call
from provisioner.kube.apiserver.custom import definition_rules
from provisioner.kube.apiserver.custom.names import ACCEPTED, approval
from provisioner.kube.apiserver.custom.names import accept as accept_names
from provisioner.kube.apiserver.custom.objects import CustomKind
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import Change, Entry, NotFresh, WatchCache
from provisioner.kube.storage.etcd import EtcdError

log = logging.getLogger(__name__)

STORED_AS = "apiextensions.k8s.io/customresourcedefinitions"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
RETRY_S = 1.0
Definition = apiextensions_v1.CustomResourceDefinition
Names = apiextensions_v1.CustomResourceDefinitionNames


class DefinitionDefaults(Plugin):
    """What a definition gets on its way in, and what it must be."""

    name = "CustomResourceDefinitionDefaults"
    optional = False
    kinds = frozenset({STORED_AS})

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if kind.stored_as != STORED_AS or new.spec.names is None:
            return
        names = new.spec.names
        names.singular = names.singular or (names.kind or "").lower()
        names.list_kind = names.list_kind or f"{names.kind}List"
        new.spec.conversion = new.spec.conversion or apiextensions_v1.CustomResourceConversion(strategy="None")
        if old is None:
            new.metadata.finalizers = list(dict.fromkeys([*(new.metadata.finalizers or ()), CLEANUP]))

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if kind.stored_as != STORED_AS or call.target.subresource:
            return
        # What was there before may stay, though rules have become stricter.
        borne = {str(e) for e in definition_rules.problems(old.spec)} if old is not None else set()
        found = [e for e in definition_rules.problems(new.spec) if str(e) not in borne]
        if found:
            raise invalid("CustomResourceDefinition", new.metadata.name or "", found, "apiextensions.k8s.io")


class Definitions:
    """`changed` is called when the served kinds are others."""

    def __init__(self, registry: Registry, cache: WatchCache, clock: Clock, caller: Caller, changed: Callable[[], None]) -> None:
        self._registry, self._cache, self._clock, self._caller, self._changed = registry, cache, clock, caller, changed
        self._served: dict[str, list[CustomKind]] = {}
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        cache.collection(STORED_AS).listeners.append(self._follow)

    def _follow(self, change: Change) -> None:
        entry = change.new or change.old
        assert entry is not None
        self._serve(entry.key, change.new)
        if change.new is None:
            # Others of its group may have its names now.
            group = entry.key.partition(".")[2]
            self._dirty |= {key for key in self._cache.collection(STORED_AS).entries if key.partition(".")[2] == group}
            self._wake.set()
        else:
            self._dirty.add(entry.key)
            self._wake.set()

    def _serve(self, name: str, entry: Entry | None) -> None:
        """Register what an established definition serves."""
        definition = codec.decode(Definition, entry.data) if entry is not None else None
        kinds: list[CustomKind] = []
        if definition is not None and entry is not None and _is(definition, "Established"):
            versions = definition.spec.versions or []
            hub = next((v.name or "" for v in versions if v.storage), "")
            kinds = [CustomKind(entry.data, v.name or "", hub, self._caller) for v in versions if v.served or v.storage]
            served = {v.name for v in versions if v.served}
            kinds = [kind for kind in kinds if kind.resource.version in served]
            for kind in kinds:
                kind.terminating = definition.metadata.deletion_timestamp is not None
        for kind in self._served.pop(name, ()):
            self._registry.remove(kind.resource.group, kind.resource.version, kind.resource.plural)
        for kind in kinds:
            self._registry.add(kind)
        if kinds:
            self._served[name] = kinds
            self._index(kinds)
        self._changed()

    def _index(self, kinds: list[CustomKind]) -> None:
        """Objects that were loaded before their kind was known get the fields that selectors may ask for."""
        hub = next((kind for kind in kinds if kind.is_hub), None)
        if hub is None or not hub.strategy.has_own_fields:
            return
        entries = self._cache.collection(hub.stored_as).entries
        for key, entry in list(entries.items()):
            fields = hub.fields(entry.data)
            entries[key] = Entry(key, entry.version, entry.data, entry.labels, fields)

    # -- conditions and ends ---------------------------------------------------------------------------------------

    async def run(self, rest: Rest) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            names, self._dirty = self._dirty, set()
            for name in sorted(names):
                try:
                    await self._reconcile(rest, name)
                except (StatusError, EtcdError, NotFresh) as error:
                    log.info("definition waits name=%s: %s", name, error)
                    self._dirty.add(name)
            if self._dirty:
                await self._clock.sleep(RETRY_S)
                self._wake.set()

    def _call(self, name: str, subresource: str, verb: str = "update") -> Call:
        target = Target(verb, "", "apiextensions.k8s.io", "v1", "customresourcedefinitions", "", name, subresource)
        return Call(LOOPBACK, target, field_manager="kube-apiserver")

    async def _reconcile(self, rest: Rest, name: str) -> None:
        kind = self._registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions")
        entry = self._cache.collection(STORED_AS).entries.get(name)
        if kind is None or entry is None:
            return
        definition: Definition = kind.load(entry.data)
        if definition.metadata.deletion_timestamp is not None:
            if CLEANUP in (definition.metadata.finalizers or ()):
                await self._tell_terminating(rest, kind, definition)
                await self._clear(rest, kind, definition)
            return
        await self._cache.fresh()  # what others were given just now
        now = rfc3339(self._clock.now())

        async def accept(current: Definition, _: Entry) -> Definition:
            status = current.status
            wanted, had = current.spec.names or Names(), status.accepted_names or Names()
            status.accepted_names, reason, message = accept_names(wanted, had, self._others(current))
            names = ("True" if (reason, message) == ACCEPTED else "False", reason, message)
            established = ("True", "InitialNamesAccepted", "the initial names have been accepted")
            if names[0] == "False" and not _is(current, "Established"):
                established = ("False", "NotAccepted", "not all names are accepted")
            status.conditions = list(status.conditions or ())
            answered = approval(current.spec.group or "", (current.metadata.annotations or {}).get(APPROVAL) or "")
            if answered is not None:
                _condition(status.conditions, "KubernetesAPIApprovalPolicyConformant", *answered, now)
            _condition(status.conditions, "NamesAccepted", *names, now)
            _condition(status.conditions, "Established", *established, now)
            stored = next((v.name or "" for v in current.spec.versions or () if v.storage), "")
            status.stored_versions = list(dict.fromkeys([*(status.stored_versions or ()), stored]))
            return current

        await rest.change(kind, self._call(name, "status"), accept)

    async def _tell_terminating(self, rest: Rest, kind: Kind, definition: Definition) -> None:
        """Nobody makes new objects of a kind that goes."""
        if _is(definition, "Terminating"):
            return
        told = ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")

        async def terminating(current: Definition, _: Entry) -> Definition:
            current.status.conditions = list(current.status.conditions or ())
            _condition(current.status.conditions, "Terminating", *told, rfc3339(self._clock.now()))
            return current

        await rest.change(kind, self._call(definition.metadata.name or "", "status"), terminating)

    def _others(self, definition: Definition) -> list[Names]:
        """The names that other definitions of the group have."""
        suffix = f".{definition.spec.group}"
        entries = [
            e for key, e in self._cache.collection(STORED_AS).entries.items() if key.endswith(suffix) and key != definition.metadata.name
        ]
        others = [codec.decode(Definition, entry.data) for entry in entries]
        return [o.status.accepted_names for o in others if o.spec.group == definition.spec.group and o.status.accepted_names is not None]

    async def _clear(self, rest: Rest, kind: Kind, definition: Definition) -> None:
        """Delete all objects, and let the definition go when the last is gone."""
        name = definition.metadata.name or ""
        served = self._served.get(name, [])
        if served:
            own = served[0]
            for key in list(self._cache.collection(own.stored_as).entries):
                namespace, _, item = key.rpartition("/")
                target = Target("delete", "", own.resource.group, own.resource.version, own.resource.plural, namespace, item)
                try:
                    await rest.delete(own, Call(LOOPBACK, target, field_manager="kube-apiserver"), meta_v1.DeleteOptions())
                except StatusError as error:
                    if error.code != 404:
                        raise
            await self._cache.fresh()
            if self._cache.collection(own.stored_as).entries:
                raise StatusError(409, "Conflict", "objects with finalizers are left")

        async def finish(current: Definition, _: Entry) -> Definition:
            current.metadata.finalizers = [f for f in current.metadata.finalizers or () if f != CLEANUP] or None
            return current

        await rest.change(kind, self._call(name, ""), finish)


def _is(definition: Definition, condition: str) -> bool:
    return any(c.type == condition and c.status == "True" for c in definition.status.conditions or ())


def _condition(
    conditions: list[apiextensions_v1.CustomResourceDefinitionCondition], type_: str, status: str, reason: str, message: str, now: str
) -> None:
    found = next((c for c in conditions if c.type == type_), None)
    if found is None:
        found = apiextensions_v1.CustomResourceDefinitionCondition(type=type_)
        conditions.append(found)
    if found.status != status:
        found.last_transition_time = now
    found.status, found.reason, found.message = status, reason, message
