"""ValidatingAdmissionPolicy and MutatingAdmissionPolicy: rules in CEL, bound to what they are about and to their parameters.

Source: Kubernetes' reference pages of the two; messages are upstream's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from provisioner.kube.api import cel, codec, errors, patch
from provisioner.kube.api._generated import admissionregistration_v1 as registration
from provisioner.kube.api.apply import merge
from provisioner.kube.api.cel.values import plain
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.api.validation.policies import NAMES, TYPES
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.admission.expressions import Expressions, admission_request, once
from provisioner.kube.apiserver.admission.versions import can_show, document, taken_back, views
from provisioner.kube.apiserver.admission.webhook_rules import EXEMPT, policy_matches
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.storage.cache import Change, WatchCache

GROUP = "admissionregistration.k8s.io"
_NAMES = frozenset((*NAMES, "variables"))
_TYPES = frozenset(TYPES)
_CODES = {"Unauthorized": 401, "Forbidden": 403, "Invalid": 422, "RequestEntityTooLarge": 413}


@dataclass(frozen=True, slots=True)
class _Case:
    """One policy with one of its bindings and one of the parameters, about one request."""

    policy: Any
    binding: Any
    values: dict[str, Any]
    # the version of the resource that the policy sees
    seen: Kind


class _Followed:
    """Policies of one kind and the bindings of each, as the cache has them."""

    def __init__(self, cache: WatchCache, prefix: str) -> None:
        self.policies: dict[str, Any] = {}
        self.bindings: dict[str, dict[str, Any]] = {}
        self._by_name: dict[str, str] = {}
        follow = ((f"{prefix}admissionpolicies", self._policy), (f"{prefix}admissionpolicybindings", self._binding))
        kinds = {"validating": "ValidatingAdmissionPolicy", "mutating": "MutatingAdmissionPolicy"}
        for (plural, listener), suffix in zip(follow, ("", "Binding"), strict=True):
            cls = getattr(registration, kinds[prefix] + suffix)
            cache.collection(f"{GROUP}/{plural}").listeners.append(partial(listener, cls))

    def _policy(self, cls: type[Any], change: Change) -> None:
        entry = change.new or change.old
        assert entry is not None
        self.policies.pop(entry.key, None)
        if change.new is not None:
            self.policies[entry.key] = codec.decode(cls, entry.data)

    def _binding(self, cls: type[Any], change: Change) -> None:
        entry = change.new or change.old
        assert entry is not None
        self.bindings.get(self._by_name.pop(entry.key, ""), {}).pop(entry.key, None)
        if change.new is not None:
            binding = codec.decode(cls, entry.data)
            self._by_name[entry.key] = binding.spec.policy_name or ""
            self.bindings.setdefault(binding.spec.policy_name or "", {})[entry.key] = binding


class Policies(Plugin):
    """What both kinds share: finding the cases that a request is. `name` is that of upstream's plug-in."""

    prefix = ""

    def __init__(self, cache: WatchCache, registry: Registry, expressions: Expressions) -> None:
        self._cache, self._registry, self._expressions = cache, registry, expressions
        self._followed = _Followed(cache, self.prefix)

    def _cases(
        self,
        operation: str,
        call: Call,
        kind: Kind,
        new: Obj | None,
        old: Obj | None,
        refuse: Callable[[Any, Any, str], None],
        options: Mapping[str, Any] | None = None,
    ) -> Iterator[_Case]:
        """`options` are a stream's, in the place of its object. `refuse(policy, binding, why)` is told of what can't be evaluated."""
        if not self._followed.policies or kind.stored_as in EXEMPT:
            return
        labels = [obj.metadata.labels or {} for obj in (new, old) if obj is not None]
        namespace_labels = self._expressions.namespace_labels(call, kind, new)
        name = call.target.name or (new.metadata.name if new is not None else "") or ""
        about = (call.target.subresource, name, namespace_labels, labels)
        values = self._expressions.values(operation, call, kind, new, old)
        if options is not None:
            values["object"] = options
        for policy in list(self._followed.policies.values()):
            bindings = self._followed.bindings.get(policy.metadata.name or "")
            seen = self._seen(policy.spec.match_constraints, operation, kind, about) if bindings else None
            if seen is None or not bindings:
                continue
            shown = values if seen is kind else self._shown(values, operation, call, kind, new, old, seen)
            for binding in list(bindings.values()):
                if self._seen(binding.spec.match_resources, operation, kind, about) is None:
                    continue
                try:
                    found = self._params(policy, binding, call)
                except cel.CelError as error:
                    refuse(policy, binding, str(error))
                    continue
                for params in found:
                    case = _Case(policy, binding, {**shown, "params": params}, seen)
                    if self._holds(case, refuse):
                        self._put_variables(case)
                        yield case

    def _seen(self, constraints: Any, operation: str, kind: Kind, about: tuple[Any, ...]) -> Kind | None:
        """The version of the resource that matchConstraints or matchResources take, None where they take none."""
        match_policy = constraints.match_policy if constraints is not None else None
        for seen in views(self._registry, kind, match_policy):
            if can_show(kind, seen) and policy_matches(constraints, operation, seen, *about):
                return seen
        return None

    @staticmethod
    def _shown(
        values: dict[str, Any], operation: str, call: Call, kind: Kind, new: Obj | None, old: Obj | None, seen: Kind
    ) -> dict[str, Any]:
        return {
            **values,
            "object": once(lambda: document(kind, new, seen) if new is not None else None),
            "oldObject": once(lambda: document(kind, old, seen) if old is not None else None),
            "request": once(lambda: admission_request(operation, call, kind, new, old, seen)),
        }

    def _holds(self, case: _Case, refuse: Callable[[Any, Any, str], None]) -> bool:
        try:
            return self._expressions.hold(case.policy.spec.match_conditions, case.values, _NAMES)
        except cel.CelError as error:
            refuse(case.policy, case.binding, str(error))
            return False

    def _params(self, policy: Any, binding: Any, call: Call) -> list[Any]:
        """The parameters that a binding names, each as its document; [None] where there are none to be. Raises CelError."""
        wanted, reference = policy.spec.param_kind, binding.spec.param_ref
        if wanted is None or reference is None:
            return [None]
        group, _, version = (wanted.api_version or "").rpartition("/")
        kind = next(
            (k for k in self._registry.kinds() if (k.resource.group, k.resource.version, k.resource.kind) == (group, version, wanted.kind)),
            None,
        )
        if kind is None:
            raise cel.CelError(f"failed to find resource referenced by paramKind: '{wanted.api_version}, Kind={wanted.kind}'")
        namespace = (reference.namespace or call.target.namespace) if kind.resource.namespaced else ""
        collection = self._cache.collection(kind.stored_as)
        if reference.name:
            entry = collection.entries.get(f"{namespace}/{reference.name}" if kind.resource.namespaced else reference.name)
            entries = [entry] if entry is not None else []
        else:
            selector = from_struct(reference.selector)
            entries = [e for e in collection.page(f"{namespace}/" if namespace else "") if selector.matches(e.labels)]
        if not entries and reference.parameter_not_found_action != "Allow":
            raise cel.CelError("no params found for policy binding with `Deny` parameterNotFoundAction")
        return [msgspec.json.decode(kind.shown(entry.data)) for entry in entries]

    def _put_variables(self, case: _Case) -> None:
        variables: dict[str, Any] = {}
        case.values["variables"] = variables
        for variable in case.policy.spec.variables or ():
            variables[variable.name] = once(partial(self._run, variable.expression, case.values))

    @staticmethod
    def _run(expression: str, values: Mapping[str, Any]) -> Any:
        return cel.compile(expression, _NAMES, _TYPES).run(values)


class ValidatingPolicies(Policies):
    name = "ValidatingAdmissionPolicy"
    prefix = "validating"

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        self._judge("CREATE" if old is None else "UPDATE", call, kind, new, old)

    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None:
        self._judge("DELETE", call, kind, None, old)

    async def connect(self, call: Call, kind: Kind, options: Mapping[str, Any]) -> None:
        self._judge("CONNECT", call, kind, None, None, options)

    def _judge(
        self, operation: str, call: Call, kind: Kind, new: Obj | None, old: Obj | None, options: Mapping[str, Any] | None = None
    ) -> None:
        if not self._followed.policies:
            return
        about = (new or old).metadata.name if (new or old) is not None else call.target.name  # type: ignore[union-attr]

        def failed(policy: Any, binding: Any, message: str, reason: str = "Invalid") -> None:
            where = f"ValidatingAdmissionPolicy '{policy.metadata.name}' with binding '{binding.metadata.name}'"
            actions = binding.spec.validation_actions or ()
            if "Audit" in actions:
                call.annotations["validation.policy.admission.k8s.io/validation_failure"] = _audited(policy, binding, message)
            if "Warn" in actions:
                call.warnings.append(f"Validation failed for {where}: {message}")
            if "Deny" in actions:
                raise _refusal(kind, about or "", f"{where} denied request: {message}", reason)

        def broken(policy: Any, binding: Any, message: str) -> None:
            if policy.spec.failure_policy != "Ignore":
                failed(policy, binding, message)

        for case in self._cases(operation, call, kind, new, old, broken, options):
            for validation in case.policy.spec.validations or ():
                try:
                    if self._run(validation.expression, case.values) is True:
                        continue
                except cel.CelError as error:
                    broken(case.policy, case.binding, f"expression '{validation.expression}' resulted in error: {error}")
                    continue
                failed(case.policy, case.binding, self._message(validation, case), validation.reason or "Invalid")
            self._annotate(call, case)

    def _message(self, validation: Any, case: _Case) -> str:
        if validation.message_expression:
            try:
                found = self._run(validation.message_expression, case.values)
                if isinstance(found, str) and found.strip() and "\n" not in found:
                    return found
            except cel.CelError:
                pass
        return validation.message or f"failed expression: {(validation.expression or '').strip()}"

    def _annotate(self, call: Call, case: _Case) -> None:
        for annotation in case.policy.spec.audit_annotations or ():
            try:
                found = self._run(annotation.value_expression, case.values)
            except cel.CelError as error:
                found = f"error: {error}" if case.policy.spec.failure_policy != "Ignore" else None
            if isinstance(found, str) and found:
                call.annotations[f"{case.policy.metadata.name}/{annotation.key}"] = found


def _audited(policy: Any, binding: Any, message: str) -> str:
    failure = {
        "message": message,
        "policy": policy.metadata.name,
        "binding": binding.metadata.name,
        "expressionIndex": 0,
        "validationActions": binding.spec.validation_actions,
    }
    return msgspec.json.encode([failure]).decode()


def _refusal(kind: Kind, name: str, message: str, reason: str) -> errors.StatusError:
    error = errors.forbidden(kind.resource.plural, name, message, kind.resource.group)
    error.details["causes"] = [{"message": message}]
    return errors.StatusError(_CODES.get(reason, 422), reason, error.message, error.details)


class MutatingPolicies(Policies):
    name = "MutatingAdmissionPolicy"
    reinvoked = False
    prefix = "mutating"

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if not self._followed.policies:
            return

        def broken(policy: Any, binding: Any, message: str) -> None:
            if policy.spec.failure_policy != "Ignore":
                where = f"policy '{policy.metadata.name}' with binding '{binding.metadata.name}' denied request: {message}"
                raise _refusal(kind, new.metadata.name or "", where, "Invalid")

        operation = "CREATE" if old is None else "UPDATE"
        changed: list[tuple[str, str]] = []
        for again in (False, True):
            for case in self._cases(operation, call, kind, new, old, broken):
                key = (case.policy.metadata.name or "", case.binding.metadata.name or "")
                if again and (case.policy.spec.reinvocation_policy != "IfNeeded" or changed[-1] == key):
                    continue
                for mutation in case.policy.spec.mutations or ():
                    try:
                        did = await self._mutate(mutation, case, kind, new)
                    except (cel.CelError, patch.PatchError, codec.DecodeError) as error:
                        broken(case.policy, case.binding, str(error))
                        continue
                    if did:
                        call.mutated = True
                        changed.append(key)
                        case.values["object"] = once(partial(document, kind, new, case.seen))
                        self._put_variables(case)
            if not changed:
                return

    async def _mutate(self, mutation: Any, case: _Case, kind: Kind, new: Obj) -> bool:
        """Change the object; whether that changed anything. Raises CelError, PatchError, DecodeError."""
        seen = case.seen
        before = document(kind, new, seen)
        if mutation.patch_type == "JSONPatch":
            operations = plain(self._run(mutation.json_patch.expression, case.values))
            if not isinstance(operations, list):
                raise cel.CelError("the expression must give a list of JSONPatch")
            after = patch.json_patch(before, operations)
        else:
            wanted = plain(self._run(mutation.apply_configuration.expression, case.values))
            if not isinstance(wanted, dict):
                raise cel.CelError("the expression must give an Object")
            after = merge(before, wanted, seen.schema.root, seen.schema)
        if after == before:
            return False
        made = await taken_back(kind, after, seen)
        kind.default(made)
        for attribute in getattr(new, "__struct_fields__", ("metadata", "body")):
            setattr(new, attribute, getattr(made, attribute))
        return True
