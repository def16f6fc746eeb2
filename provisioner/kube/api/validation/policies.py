"""Admission policies and their bindings: what they match, and that their expressions compile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.kube.api import cel, errors
from provisioner.kube.api.cel import checking
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, label_selector, needed, one_of
from provisioner.kube.api.validation.webhooks import MAX_CONDITIONS, rule_of

# The variables of every expression of a policy; and of a webhook's match conditions.
NAMES = ("object", "oldObject", "request", "params", "namespaceObject", "authorizer")
HOOK_NAMES = ("object", "oldObject", "request", "authorizer")
TYPES = ("Object", "JSONPatch")
ACTIONS = ("Deny", "Warn", "Audit")
REASONS = ("Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge")


_STRING = {"type": "string"}
# CEL's types by what the checker calls them, where that is another name.
_TYPE_OF = {"bool": "boolean", "Object": "object", "list(JSONPatch)": "array"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _strings(*names: str) -> dict[str, Any]:
    return _object(**dict.fromkeys(names, _STRING))


_LIST = {"type": "array", "items": _STRING}
_KIND, _RESOURCE = _strings("group", "version", "kind"), _strings("group", "version", "resource")
# What is known of the variables: requests have these parts (AdmissionRequest), and no others.
_KNOWN: dict[str, Any] = {
    "request": _object(
        kind=_KIND,
        requestKind=_KIND,
        resource=_RESOURCE,
        requestResource=_RESOURCE,
        **dict.fromkeys(("subResource", "requestSubResource", "name", "namespace", "operation"), _STRING),
        userInfo=_object(username=_STRING, uid=_STRING, groups=_LIST, extra={"type": "object", "additionalProperties": _LIST}),
        dryRun={"type": "boolean"},
        options={"x-kubernetes-preserve-unknown-fields": True},
    )
}


def create(obj: Any) -> list[FieldError]:
    if obj.KIND.endswith("Binding"):
        return _binding(obj.spec)
    return _policy(obj.spec, validating=obj.KIND.startswith("Validating"))


def expression(path: str, text: str | None, names: Iterable[str], types: Iterable[str] = (), wants: str = "") -> list[FieldError]:
    """That an expression is there, compiles, and gives what is wanted (bool, string) as far as that can be told."""
    if not (text or "").strip():
        return [errors.required(path)]
    try:
        program = cel.compile(text or "", frozenset(names), frozenset(types))
        kind, _ = checking.check(text or "", program.tree, _KNOWN)
    except cel.CelError as error:
        return [errors.invalid_value(path, text, f"compilation failed: {error}")]
    found = "" if kind is None or kind.get("nullable") else kind.get("type") or ""
    if wants and found and found != _TYPE_OF.get(wants, wants):
        return [errors.invalid_value(path, text, f"must evaluate to {wants}")]
    return []


def conditions(path: str, found: Iterable[Any] | None, names: Iterable[str]) -> list[FieldError]:
    """matchConditions of policies and webhooks."""
    problems, seen = [], Once()
    listed = list(found or ())
    if len(listed) > MAX_CONDITIONS:
        problems.append(errors.too_many(path, len(listed), MAX_CONDITIONS))
    for index, condition in enumerate(listed):
        where = f"{path}[{index}]"
        problems += checks.needed(f"{where}.name", condition.name) + seen.add(f"{where}.name", condition.name)
        problems += expression(f"{where}.expression", condition.expression, names, wants="bool")
    return problems


def _matches(path: str, found: Any, *, rules_needed: bool) -> list[FieldError]:
    if found is None:
        return [errors.required(path)] if rules_needed else []
    problems = needed(f"{path}.resourceRules", found.resource_rules) if rules_needed else []
    for name, rules in (("resourceRules", found.resource_rules), ("excludeResourceRules", found.exclude_resource_rules)):
        for index, rule in enumerate(rules or ()):
            problems += rule_of(rule, f"{path}.{name}[{index}]")
    problems += one_of(f"{path}.matchPolicy", found.match_policy, ("Equivalent", "Exact"), optional=True)
    problems += label_selector(f"{path}.namespaceSelector", found.namespace_selector)
    return problems + label_selector(f"{path}.objectSelector", found.object_selector)


def _policy(spec: Any, *, validating: bool) -> list[FieldError]:
    problems = one_of("spec.failurePolicy", spec.failure_policy, ("Fail", "Ignore"), optional=True)
    if spec.param_kind is not None:
        problems += needed("spec.paramKind.apiVersion", spec.param_kind.api_version) + needed("spec.paramKind.kind", spec.param_kind.kind)
    problems += _matches("spec.matchConstraints", spec.match_constraints, rules_needed=True)
    names = [name for name in NAMES if name != "params" or spec.param_kind is not None]
    problems += conditions("spec.matchConditions", spec.match_conditions, names)
    names.append("variables")
    seen = Once()
    for index, variable in enumerate(spec.variables or ()):
        where = f"spec.variables[{index}]"
        problems += needed(f"{where}.name", variable.name) + seen.add(f"{where}.name", variable.name)
        problems += expression(f"{where}.expression", variable.expression, names, TYPES)
    return problems + (_validations(spec, names) if validating else _mutations(spec, names))


def _validations(spec: Any, names: list[str]) -> list[FieldError]:
    problems = []
    if not spec.validations and not spec.audit_annotations:
        message = "validations or auditAnnotations must contain at least one item"
        problems += [errors.required("spec.validations", message), errors.required("spec.auditAnnotations", message)]
    for index, validation in enumerate(spec.validations or ()):
        where = f"spec.validations[{index}]"
        problems += expression(f"{where}.expression", validation.expression, names, wants="bool")
        if validation.message_expression:
            problems += expression(f"{where}.messageExpression", validation.message_expression, names, wants="string")
        if validation.message and "\n" in validation.message:
            problems.append(errors.invalid_value(f"{where}.message", validation.message, "message must not contain line breaks"))
        problems += one_of(f"{where}.reason", validation.reason, REASONS, optional=True)
    for index, annotation in enumerate(spec.audit_annotations or ()):
        where = f"spec.auditAnnotations[{index}]"
        problems += needed(f"{where}.key", annotation.key)
        problems += expression(f"{where}.valueExpression", annotation.value_expression, names)
    return problems


def _mutations(spec: Any, names: list[str]) -> list[FieldError]:
    problems = needed("spec.mutations", spec.mutations)
    problems += one_of("spec.reinvocationPolicy", spec.reinvocation_policy, ("Never", "IfNeeded"))
    for index, mutation in enumerate(spec.mutations or ()):
        where = f"spec.mutations[{index}]"
        problems += one_of(f"{where}.patchType", mutation.patch_type, ("ApplyConfiguration", "JSONPatch"))
        if mutation.patch_type == "ApplyConfiguration":
            text = mutation.apply_configuration.expression if mutation.apply_configuration is not None else None
            problems += expression(f"{where}.applyConfiguration.expression", text, names, TYPES, "Object")
        elif mutation.patch_type == "JSONPatch":
            text = mutation.json_patch.expression if mutation.json_patch is not None else None
            problems += expression(f"{where}.jsonPatch.expression", text, names, TYPES, "list(JSONPatch)")
    return problems


def _binding(spec: Any) -> list[FieldError]:
    problems = needed("spec.policyName", spec.policy_name)
    reference = spec.param_ref
    if reference is not None:
        if bool(reference.name) == (reference.selector is not None):
            problems.append(errors.required("spec.paramRef.name", "one of name or selector must be specified"))
        problems += one_of("spec.paramRef.parameterNotFoundAction", reference.parameter_not_found_action, ("Allow", "Deny"))
    problems += _matches("spec.matchResources", spec.match_resources, rules_needed=False)
    if hasattr(spec, "validation_actions"):
        problems += needed("spec.validationActions", spec.validation_actions)
        for index, action in enumerate(spec.validation_actions or ()):
            problems += one_of(f"spec.validationActions[{index}]", action, ACTIONS)
        if {"Deny", "Warn"} <= set(spec.validation_actions or ()):
            twice = "repeating the same validation failure information in the API response and headers serves no purpose"
            message = f"must not contain both Deny and Warn ({twice})"
            problems.append(errors.invalid_value("spec.validationActions", spec.validation_actions, message))
    return problems
