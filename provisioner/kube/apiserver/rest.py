"""The verbs on stored objects, the same for every kind: get, list, create, update, patch, delete, deletecollection.

Answers are encoded JSON objects. A write reads the object from the cache, decides, and puts it with the revision that it read: if somebody
was faster the etcd transaction fails, and patches are decided again on what is there now.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from provisioner.kube.api import codec, errors, go_json, strict
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.apply import apply as server_side_apply
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.field_sets import doubled
from provisioner.kube.api.managed_fields import APPLY, UPDATE, Manager, track
from provisioner.kube.api.meta import parse_time, random_uuid, rfc3339
from provisioner.kube.apiserver import body_refusals, preconditions
from provisioner.kube.apiserver.admission.chain import Admission
from provisioner.kube.apiserver.body_refusals import Unfit
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.incoming import FURNISHED, NAMED_FIRST, drop_doubled_owners, give_name
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.list_options import version_number
from provisioner.kube.apiserver.lists import reached, unreadable
from provisioner.kube.apiserver.requests import Target, flag
from provisioner.kube.apiserver.turns import Turns
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import ROOT, Entry, WatchCache, with_version
from provisioner.kube.storage.etcd import EtcdError
from provisioner.kube.storage.store import Conflict, Store
from provisioner.kube.storage.versions import revision_of

log = logging.getLogger(__name__)

# How often a patch or a delete without its own resourceVersion is decided again.
TRIES = 8
# etcd's own limit is 1.5 MB for a request.
OBJECT_BYTES = 1_500_000
# Kinds whose dependents outlive them unless the request says otherwise, with what is said about it.
ORPHANING = {
    "batch/jobs": "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
    "propagationPolicy=Orphan to suppress this warning",
}

# (what a patch makes of an object, why its kind can't be that) -> what is wrong with the patch
Wrong = Callable[[dict[str, Any], str], errors.FieldError]


class Outcome(NamedTuple):
    """The stored object after a change; `version` is that of the write, 0 where nothing was written."""

    data: bytes
    version: int = 0
    gone: bool = False


@dataclass(slots=True)
class Applied:
    """What server-side apply made of the object that is about to be written; or, as a create asked for it, who owns its fields."""

    document: dict[str, Any] | None = None

    @property
    def managed_fields(self) -> Any:
        return (self.document or {}).get("metadata", {}).get("managedFields")


def object_key(kind: Kind, namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if kind.resource.namespaced else name


class Rest:
    """Stateless but for its parts; one for the server."""

    def __init__(self, cache: WatchCache, store: Store, admission: Admission, clock: Clock, event_ttl_s: int = 3600) -> None:
        self._event_ttl_s = event_ttl_s
        self.cache, self._store, self.admission, self._clock = cache, store, admission, clock
        self._turns = Turns()

    # -- reading ---------------------------------------------------------------------------------------------------

    def entry(self, kind: Kind, namespace: str, name: str) -> Entry:
        """The object as the cache has it. Raises 404."""
        found = self.cache.collection(kind.stored_as).entries.get(object_key(kind, namespace, name))
        if found is None:
            if f"{kind.stored_as}/{object_key(kind, namespace, name)}" in self.cache.unreadable:
                raise unreadable(kind)
            raise errors.not_found(kind.resource.plural, name, kind.resource.group)
        return found

    async def get(self, kind: Kind, call: Call) -> Entry:
        """A consistent read, or any state with resourceVersion=0."""
        await self._wait_for(call.query.get("resourceVersion"))
        return self.entry(kind, call.target.namespace, call.target.name)

    async def _wait_for(self, version: str | None) -> None:
        number = version_number(version)
        if number is None:
            await self.cache.fresh()
        elif number:
            await reached(self.cache, number)

    # -- create ----------------------------------------------------------------------------------------------------

    async def create(self, kind: Kind, call: Call, document: Any, applied: Applied | None = None) -> bytes:
        """The stored object. `applied` is what server-side apply says of its fields' owners. Raises StatusError: 400, 403, 409, 422; 500
        for a resourceVersion, as upstream."""
        obj = self.decoded(kind, call, document)
        metadata = obj.metadata
        self._place(kind, call, metadata)
        metadata.uid = random_uuid()
        metadata.creation_timestamp = rfc3339(self._clock.now())
        metadata.deletion_timestamp = metadata.deletion_grace_period_seconds = metadata.self_link = None
        version, metadata.resource_version = metadata.resource_version or "", None
        if version.isdecimal() and int(version):
            raise errors.StatusError(500, "", "resourceVersion should not be set on objects to be created")
        call.names_itself = kind.stored_as in NAMED_FIRST and give_name(obj)
        asked = self._asked(kind, call, obj) if applied is None and kind.stored_as in FURNISHED else None
        kind.strategy.prepare_create(obj)
        kind.default(obj)
        drop_doubled_owners(call, obj)
        await self.admission.mutate(call, kind, obj, None)
        drop_doubled_owners(call, obj, " after mutating admission happens")
        if kind.resource.kind == "Pod":
            kind.strategy.prepare_create(obj)
        # Webhooks and policies that may still change the object have not seen its name, as upstream.
        call.names_itself = give_name(obj) or call.names_itself
        for _ in range(TRIES - 1):
            try:
                return await self._create(kind, call, obj, applied or asked)
            except StatusError as error:
                if not call.names_itself or error.reason != "AlreadyExists":
                    raise
            if kind.stored_as in NAMED_FIRST:
                return await self.create(kind, call, document, applied)
            metadata.name = None
            give_name(obj)
        return await self._create(kind, call, obj, applied or asked)

    def _asked(self, kind: Kind, call: Call, obj: Obj) -> Applied:
        """Who creates owns what was asked for, with its defaults, and not what the server adds, as upstream."""
        kind.default(obj)
        return Applied(self._owned(kind, call, kind.to_dict(obj), None, None))

    async def _create(self, kind: Kind, call: Call, obj: Obj, applied: Applied | None) -> bytes:
        """Store what has been through mutating admission."""
        metadata = obj.metadata
        found = kind.validate_create(obj)
        if found:
            raise kind.refusal(metadata, found)
        call.warn(kind.warnings(obj, None))
        await self.admission.validate(call, kind, obj, None)
        body = self._sized(await kind.stored_form(self._owned(kind, call, kind.to_dict(obj), None, applied)))
        if call.dry_run:
            return body
        key = object_key(kind, metadata.namespace or "", metadata.name)
        try:
            version = await self._store.put(
                self._etcd_key(kind, key), body, 0, ttl_s=self._event_ttl_s if kind.stored_as == "core/events" else 0
            )
        except Conflict:
            await self.admission.undo(call, kind, obj)
            raise errors.already_exists(kind.resource.plural, metadata.name, kind.resource.group) from None
        except EtcdError as error:
            raise _unavailable(error) from error
        return with_version(body, version)

    def _owned(self, kind: Kind, call: Call, new: dict[str, Any], old: dict[str, Any] | None, applied: Applied | None) -> dict[str, Any]:
        """`new` with its managedFields: as an apply said, or with the caller owning what it changes."""
        if applied is not None:
            new["metadata"].pop("managedFields", None)
            if applied.managed_fields:
                new["metadata"]["managedFields"] = applied.managed_fields
            return new
        manager = Manager(call.field_manager, UPDATE, kind.resource.api_version, call.target.subresource)
        track(new, old, manager, kind.schema, now=rfc3339(self._clock.now()), has_status=kind.strategy.has_status)
        return new

    def decoded(self, kind: Kind, call: Call, document: Any) -> Obj:
        """The document as the resource's kind, with unknown fields told of as fieldValidation asks."""
        resource = kind.resource
        document = {} if document is None else document
        if not isinstance(document, dict):
            raise body_refusals.no_object(resource.kind, document, msgspec.json.encode(document))
        if kind.is_custom and not document.get("kind"):
            raise Unfit(resource, f"Object 'Kind' is missing in '{msgspec.json.encode(document).decode()}'")
        version = document.get("apiVersion") or ("" if kind.is_custom else resource.api_version)
        given = (version, document.get("kind") or resource.kind)
        if given != (resource.api_version, resource.kind):
            raise body_refusals.another_kind(resource, *map(str, given), custom=kind.type_key is None)
        document = {"apiVersion": resource.api_version, "kind": resource.kind, **document}
        wanted = call.query.get("fieldValidation") or "Warn"
        if wanted != "Ignore":
            unknown = kind.unknown_fields(document)
            # A patch is read without types: what it has twice comes first, as with custom resources.
            is_typed = kind.type_key is not None and call.target.verb != "patch"
            found = strict.findings(call.doubles, unknown, is_typed=is_typed) if call.doubles or unknown else []
            if found and wanted == "Strict":
                raise Unfit(resource, f"strict decoding error: {strict.strict_error(call.doubles, found)}")
            call.warn(found)
        try:
            return kind.decode(document)
        except codec.DecodeError as error:
            raise Unfit(resource, error.message) from error

    def _place(self, kind: Kind, call: Call, metadata: meta_v1.ObjectMeta) -> None:
        """Name and namespace of the path and of the body must agree."""
        resource, target = kind.resource, call.target
        if resource.namespaced:
            if metadata.namespace and metadata.namespace != target.namespace:
                raise errors.bad_request("the namespace of the provided object does not match the namespace sent on the request")
            metadata.namespace = target.namespace
        else:
            metadata.namespace = None
        if target.name:
            check_name(metadata.name, target.name)

    def _sized(self, body: bytes) -> bytes:
        if len(body) > OBJECT_BYTES:
            raise errors.too_large(f"Request entity too large: the object has {len(body)} bytes, limit is {OBJECT_BYTES}")
        return body

    @staticmethod
    def _etcd_key(kind: Kind, key: str) -> bytes:
        return ROOT + f"{kind.stored_as}/{key}".encode()

    # -- update ----------------------------------------------------------------------------------------------------

    async def exists(self, kind: Kind, call: Call) -> bool:
        """Whether the object is there by now."""
        key, entries = object_key(kind, call.target.namespace, call.target.name), self.cache.collection(kind.stored_as).entries
        if key not in entries:
            await self.cache.fresh()
        return key in entries

    async def update(self, kind: Kind, call: Call, document: Any) -> bytes:
        """Replace an object, or its status. Raises StatusError."""
        new = self.decoded(kind, call, document)
        self._place(kind, call, new.metadata)
        wanted = new.metadata.resource_version
        if wanted == "0":
            # No version, as upstream reads it.
            wanted = new.metadata.resource_version = None
        if not wanted and kind.strategy.needs_version:
            found = errors.FieldError("FieldValueInvalid", "metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
            self.entry(kind, call.target.namespace, call.target.name)
            raise errors.invalid(kind.resource.kind, call.target.name, [found], kind.resource.group)

        unused = [new]

        async def replace(_: Obj, __: Entry) -> Obj:
            # What was decided on and then not stored is changed: another try reads the document again.
            if unused:
                return unused.pop()
            again = self.decoded(kind, call, document)
            self._place(kind, call, again.metadata)
            return again

        return await self.change(kind, call, replace, expected_version=wanted, uid=new.metadata.uid, in_place=False)

    async def patch(self, kind: Kind, call: Call, apply: Callable[[dict[str, Any]], dict[str, Any]], wrong: Wrong | None = None) -> bytes:
        """Change an object by a function on its document; `wrong` says it where its result is none of the kind. Raises StatusError."""

        async def patched(old: Obj, entry: Entry) -> Obj:
            before = kind.to_dict(old)
            after = apply(before)
            after.setdefault("metadata", {})
            try:
                return self._still(kind, call, after, old)
            except Unfit as error:
                if wrong is None:
                    raise
                raise errors.invalid("", "", [wrong(after, error.text)]) from error

        return await self.change(kind, call, patched, in_place=False)

    def _still(self, kind: Kind, call: Call, document: Any, old: Obj) -> Obj:
        """What a patch makes, if it was for this object: kubelets name pods by uid. Raises 409 for another version, 422 for another uid."""
        new = self.decoded(kind, call, document)
        self._place(kind, call, new.metadata)
        if new.metadata.resource_version not in (None, "", old.metadata.resource_version):
            preconditions.check_version(new.metadata.resource_version)
            raise errors.conflict(kind.resource.plural, call.target.name, group=kind.resource.group)
        if new.metadata.uid not in (None, "", old.metadata.uid):
            found = errors.invalid_value("metadata.uid", new.metadata.uid, "field is immutable")
            raise errors.invalid(kind.resource.kind, call.target.name, [found], kind.resource.group)
        return new

    async def apply(self, kind: Kind, call: Call, document: Any) -> tuple[bytes, bool]:
        """Server-side apply: (object, created?). What the configuration says is merged in by the types' rules."""
        self.check_appliable(kind, call, document)
        key = object_key(kind, call.target.namespace, call.target.name)
        if key not in self.cache.collection(kind.stored_as).entries:
            await self.cache.fresh()
        if key not in self.cache.collection(kind.stored_as).entries and not call.target.subresource:
            if uid := (document.get("metadata") or {}).get("uid"):
                message = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                raise errors.conflict(kind.resource.plural, call.target.name, message, kind.resource.group)
            try:
                return await self.create(kind, call, document, Applied(self.applied_to(kind, call, None, document))), True
            except StatusError as error:
                if error.reason != "AlreadyExists":
                    raise
                await self.cache.fresh()
        applied = Applied()

        async def merged(old: Obj, _: Entry) -> Obj:
            applied.document = self.applied_to(kind, call, kind.to_dict(old), document)
            return self._still(kind, call, applied.document, old)

        return await self.change(kind, call, merged, applied=applied, in_place=False), False

    def check_appliable(self, kind: Kind, call: Call, document: Any) -> None:
        """Who applies has a name and says nothing of owners. Nobody can own what has no type; upstream's typed apply has no reason for
        that but its text."""
        if not isinstance(document, dict):
            why = f"json: cannot unmarshal {go_json.shape(document)} into Go value of type map[string]interface {{}}"
            raise errors.bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {why}")
        if not call.query.get("fieldManager"):
            raise errors.invalid("PatchOptions", "", [errors.required("fieldManager", "is required for apply patch")], "meta.k8s.io")
        if (document.get("metadata") or {}).get("managedFields"):
            raise errors.bad_request("metadata.managedFields must be nil")
        given = document.get("apiVersion")
        if given != kind.resource.api_version:
            message = f"Specified patch version: {given or ''}, expected: {kind.resource.api_version}"
            raise errors.bad_request(f"Incorrect version specified in apply patch. {message}")
        listed = list(kind.mismatches(document))
        if not listed:
            unknown = kind.unknown_fields({"apiVersion": kind.resource.api_version, "kind": kind.resource.kind, **document})
            listed = [f".{path}: field not declared in schema" for path in unknown] or list(
                doubled(document, kind.schema.root, kind.schema)
            )
        if listed:
            text = listed[0] if len(listed) == 1 else "errors:\n" + "\n".join(f"  {line}" for line in listed)
            where = f"{call.target.namespace}/{call.target.name}; {kind.resource.group}/{kind.resource.version}, Kind={kind.resource.kind}"
            raise StatusError(500, "", f"failed to create typed patch object ({where}): {text}")

    def applied_to(self, kind: Kind, call: Call, live: dict[str, Any] | None, document: dict[str, Any]) -> dict[str, Any]:
        """Live state with a manager's wishes put in. Raises 409 for fields that are somebody else's."""
        manager = Manager(
            call.query["fieldManager"], APPLY, document.get("apiVersion") or kind.resource.api_version, call.target.subresource
        )
        return server_side_apply(
            live,
            document,
            manager,
            kind.schema,
            now=rfc3339(self._clock.now()),
            force=flag(call.query, "force"),
            has_status=kind.strategy.has_status,
        )

    async def change(
        self,
        kind: Kind,
        call: Call,
        decide: Callable[[Obj, Entry], Awaitable[Obj]],
        *,
        expected_version: str | None = None,
        uid: str | None = None,
        applied: Applied | None = None,
        in_place: bool = True,
    ) -> bytes:
        """Read, decide, write; again if somebody was faster, unless `expected_version` says what was to be replaced. `in_place` False: `decide`
        leaves the object that it is given as it is."""
        resource, target = kind.resource, call.target

        async def once(entry: Entry) -> Outcome:
            if expected_version and expected_version != str(entry.version):
                preconditions.check_version(expected_version)
                raise errors.conflict(resource.plural, target.name, group=resource.group)
            old = kind.load(entry.data)
            if uid and uid != old.metadata.uid:
                raise preconditions.mismatch(resource.plural, old, "UID", uid, resource.group)
            new = await decide(kind.load(entry.data) if in_place else old, entry)
            return await self._replace(kind, call, entry, old, new, applied)

        return (await self._until_latest(kind, target, once)).data

    async def change_whole(
        self, kind: Kind, call: Call, decide: Callable[[Obj, Entry], Awaitable[Obj]], applied: Applied | None = None
    ) -> bytes:
        """A change that the server itself makes, of spec and status at once (a binding, a finalization): no strategy, no validation."""

        async def once(entry: Entry) -> Outcome:
            old = kind.load(entry.data)
            new = await decide(kind.load(entry.data), entry)
            new.metadata.resource_version = old.metadata.resource_version = None
            before = kind.to_dict(old)
            after = self._owned(kind, call, kind.to_dict(new), before, applied)
            if after == before:
                return Outcome(entry.data)
            return await self._written(kind, call, entry, new, self._sized(await kind.stored_form(after)))

        return (await self._until_latest(kind, call.target, once)).data

    async def _written(self, kind: Kind, call: Call, entry: Entry, new: Obj, body: bytes) -> Outcome:
        """The object replaced, or removed where this change lets it go. Raises Conflict, EtcdError."""
        if call.dry_run:
            return Outcome(with_version(body, entry.version))
        key = self._etcd_key(kind, entry.key)
        if _finished(kind, new):
            version = await self._store.delete(key, entry.revision)
            await self.admission.deleted(kind, new)
        else:
            version = await self._store.put(key, body, entry.revision, ttl_s=self._event_ttl_s if kind.stored_as == "core/events" else 0)
        return Outcome(with_version(body, version), version)

    async def _until_latest(self, kind: Kind, target: Target, once: Callable[[Entry], Awaitable[Outcome]]) -> Outcome:
        """Run `once` on the object as the cache has it; where that was not the latest word (a conflict, a refusal or no change, by
        something that is out of date), run it again on what is. Writers of one object take turns in this server."""
        key = object_key(kind, target.namespace, target.name)
        entries = self.cache.collection(kind.stored_as).entries
        async with self._turns.of(f"{kind.stored_as}/{key}") as turn:
            await self.cache.reach(turn.revision)
            is_latest = False
            for _ in range(TRIES):
                entry = entries.get(key)
                try:
                    if kind.converts and entry is not None:
                        await kind.prepare([entry.data])
                    outcome = await once(self.entry(kind, target.namespace, target.name))
                except Conflict as conflict:
                    await self.cache.reach(conflict.revision)
                    if conflict.value is None:
                        await self.cache.fresh()
                    continue
                except StatusError:
                    if is_latest:
                        raise
                    await self.cache.fresh()
                    is_latest = True
                    if entries.get(key) is entry:
                        raise
                    continue
                except EtcdError as error:
                    raise _unavailable(error) from error
                if outcome.version:
                    turn.revision = revision_of(outcome.version)
                    return outcome
                if is_latest:
                    return outcome
                await self.cache.fresh()
                is_latest = True
                if entries.get(key) is entry:
                    return outcome
        raise errors.conflict(kind.resource.plural, target.name, group=kind.resource.group)

    async def _replace(self, kind: Kind, call: Call, entry: Entry, old: Obj, new: Obj, applied: Applied | None = None) -> Outcome:
        # Before the strategy compares: an absent default is no change.
        kind.default(new)
        if call.target.subresource == "status":
            kind.strategy.prepare_status_update(new, old)
        else:
            kind.strategy.prepare_update(new, old)
        kind.default(new)
        if call.target.verb != "patch":
            drop_doubled_owners(call, new)
        await self.admission.mutate(call, kind, new, old)
        drop_doubled_owners(call, new, " after mutating admission happens")
        validate = kind.validate_status_update if call.target.subresource == "status" else kind.validate_update
        found = validate(new, old)
        if found:
            raise kind.refusal(new.metadata, found)
        if not call.target.subresource:
            call.warn(kind.warnings(new, old))
        await self.admission.validate(call, kind, new, old)
        new.metadata.resource_version = old.metadata.resource_version = None
        before = kind.to_dict(old)
        after = self._owned(kind, call, kind.to_dict(new), before, applied)
        # An object that is sealed by an old key is written all the same: that is how keys are rotated.
        if after == before and f"{kind.stored_as}/{entry.key}" not in self.cache.stale:
            return Outcome(entry.data)
        return await self._written(kind, call, entry, new, self._sized(await kind.stored_form(after)))

    # -- delete ----------------------------------------------------------------------------------------------------

    async def delete(self, kind: Kind, call: Call, options: meta_v1.DeleteOptions) -> tuple[bytes, bool]:
        """(the object, gone?) after asking for its deletion: it may stay, marked, for its grace period or its finalizers."""

        async def once(entry: Entry) -> Outcome:
            obj = kind.load(entry.data)
            preconditions.check_deletion(kind, obj.metadata, options)
            await self.admission.validate_delete(call, kind, obj)
            if kind.stored_as in ORPHANING and options.propagation_policy is None and options.orphan_dependents is None:
                options.propagation_policy = "Orphan"
                call.warnings.append(ORPHANING[kind.stored_as])
            marked, gone = self._mark_deleted(kind, obj, options)
            if call.dry_run or not (gone or marked):
                return Outcome(entry.data, gone=gone)
            if gone:
                version = await self._store.delete(self._etcd_key(kind, entry.key), entry.revision)
                await self.admission.deleted(kind, obj)
                last = entry.data.replace(b'"resourceVersion":"%d"' % entry.version, b'"resourceVersion":"%d"' % version, 1)
                return Outcome(last, version, True)
            obj.metadata.resource_version = None
            body = await kind.stored_form(kind.to_dict(obj))
            version = await self._store.put(self._etcd_key(kind, entry.key), body, entry.revision)
            return Outcome(with_version(body, version), version)

        outcome = await self._until_latest(kind, call.target, once)
        return outcome.data, outcome.gone

    async def delete_unread(self, kind: Kind, call: Call) -> bool:
        """Remove an object that can't be read, whatever it is and holds; False where there is none that can't be. Raises StatusError."""
        await self.cache.fresh()
        key = object_key(kind, call.target.namespace, call.target.name)
        revision = self.cache.unreadable.get(f"{kind.stored_as}/{key}")
        if revision is None:
            return False
        try:
            if not call.dry_run:
                await self._store.delete(self._etcd_key(kind, key), revision)
        except Conflict:
            raise errors.conflict(kind.resource.plural, call.target.name, group=kind.resource.group) from None
        except EtcdError as error:
            raise _unavailable(error) from error
        return True

    def _mark_deleted(self, kind: Kind, obj: Obj, options: meta_v1.DeleteOptions) -> tuple[bool, bool]:
        """(changed, may be removed at once). Sets the deletion timestamp and the finalizers that the propagation policy asks for."""
        metadata = obj.metadata
        policy = options.propagation_policy or ("Orphan" if options.orphan_dependents else None)
        finalizers = list(metadata.finalizers or ())
        if policy is not None:
            finalizers = [f for f in finalizers if f not in ("orphan", "foregroundDeletion")]
            finalizers += {"Orphan": ["orphan"], "Foreground": ["foregroundDeletion"]}.get(policy, [])
        changed = finalizers != list(metadata.finalizers or ())
        metadata.finalizers = finalizers or None
        grace_s = kind.strategy.grace_period_s(obj, options.grace_period_seconds)
        now = self._clock.now()
        if metadata.deletion_timestamp is None:
            if kind.resource.kind == "Namespace":
                obj.status.phase = "Terminating"
            elif grace_s == 0 and not finalizers:
                return True, True
            metadata.deletion_timestamp = rfc3339(_after(now, grace_s))
            if kind.resource.kind != "Namespace":
                metadata.deletion_grace_period_seconds = grace_s
                # That it is to go changes what is wanted of it.
                if metadata.generation:
                    metadata.generation += 1
            changed = True
        elif kind.resource.kind == "Pod" and grace_s < (metadata.deletion_grace_period_seconds or 0):
            started = parse_time(metadata.deletion_timestamp)
            assert started is not None
            metadata.deletion_timestamp = rfc3339(_after(started, grace_s - (metadata.deletion_grace_period_seconds or 0)))
            metadata.deletion_grace_period_seconds = grace_s
            changed = True
        return changed, _finished(kind, obj)


def _after(moment: Any, seconds: int) -> Any:
    from datetime import timedelta

    return moment + timedelta(seconds=seconds)


def _finished(kind: Kind, obj: Obj) -> bool:
    """Whether nothing holds an object that is to be deleted: no finalizer, no grace period, and for namespaces no spec.finalizers."""
    metadata = obj.metadata
    if metadata.deletion_timestamp is None or metadata.finalizers:
        return False
    if kind.resource.kind == "Namespace":
        return not obj.spec.finalizers
    return not metadata.deletion_grace_period_seconds


def _unavailable(error: EtcdError) -> StatusError:
    if error.unknown_fate:
        return errors.timeout(f"the write was sent and its fate is unknown: {error}")
    return errors.unavailable(str(error))


def check_name(given: str | None, asked: str) -> None:
    """The name in a body that replaces an object is that of the path. Raises 400."""
    if not given:
        raise errors.bad_request(f"the name of the object ({asked} based on URL) was undeterminable: name must be provided")
    if given != asked:
        raise errors.bad_request(f"the name of the object ({given}) does not match the name on the URL ({asked})")
