"""Admission policies and their bindings: what they match, and that their expressions compile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from provisioner.kube.api import cel, errors
from provisioner.kube.api import names as object_names
from provisioner.kube.api.cel import checking
from provisioner.kube.api.cel.syntax import NO_NAMES
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks, statuses
from provisioner.kube.api.validation.checks import Once, label_selector, needed, one_of
from provisioner.kube.api.validation.webhooks import MAX_CONDITIONS, rule_of

# The variables of every expression of a policy; and of a webhook's match conditions.
NAMES = ("object", "oldObject", "request", "params", "namespaceObject", "authorizer")
HOOK_NAMES = ("object", "oldObject", "request", "authorizer")
TYPES = ("Object", "JSONPatch")
ACTIONS = ("Audit", "Deny", "Warn")
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
MAX_ANNOTATIONS, MAX_ANNOTATION = 20, 5 * 1024
_IDENTIFIER = re.compile("[_a-zA-Z][_a-zA-Z0-9]*")
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
    return _policy(obj, validating=obj.KIND.startswith("Validating"))


def expression(
    path: str, text: str | None, names: Iterable[str], types: Iterable[str] = (), wants: str = "", missing: str = ""
) -> list[FieldError]:
    """That an expression is there, compiles, and gives what is wanted (bool, string) as far as that can be told; `missing` is told where
    it isn't there."""
    if not (text or "").strip():
        return [errors.required(path, missing)]
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
        problems += expression(f"{where}.expression", condition.expression, names, wants="bool")
        if condition.name:
            problems += checks.qualified(f"{where}.name", condition.name) + seen.add(f"{where}.name", condition.name)
        else:
            problems.append(errors.required(f"{where}.name"))
    return problems


def _matches(path: str, found: Any, *, rules_needed: bool) -> list[FieldError]:
    if found is None:
        return [errors.required(path)] if rules_needed else []
    problems = one_of(f"{path}.matchPolicy", found.match_policy, ("Equivalent", "Exact"))
    problems += label_selector(f"{path}.namespaceSelector", found.namespace_selector)
    problems += label_selector(f"{path}.objectSelector", found.object_selector)
    for name, rules in (("resourceRules", found.resource_rules), ("excludeResourceRules", found.exclude_resource_rules)):
        for index, rule in enumerate(rules or ()):
            where, seen = f"{path}.{name}[{index}]", Once()
            for number, one in enumerate(rule.resource_names or ()):
                at = f"{where}.resourceNames[{number}]"
                problems += [errors.invalid_value(at, one, message) for message in object_names.is_path_segment(one)] + seen.add(at, one)
            problems += rule_of(rule, where)
    return problems + (needed(f"{path}.resourceRules", found.resource_rules) if rules_needed else [])


def _param_kind(found: Any, path: str) -> list[FieldError]:
    version, kind, where = found.api_version or "", found.kind or "", f"{path}.apiVersion"
    group, _, rest = version.rpartition("/") if version != "/" else ("", "", "")
    problems = needed(where, version)
    if version.count("/") > 1:
        problems.append(errors.invalid_value(where, version, f"unexpected GroupVersion string: {version}"))
    elif version:
        if group and (wrong := object_names.is_dns_subdomain(group)):
            problems.append(errors.invalid_value(where, group, ",".join(wrong)))
        if not rest:
            problems.append(errors.invalid_value(where, version, "version must be specified"))
        elif wrong := object_names.is_dns1035_label(rest):
            problems.append(errors.invalid_value(where, rest, ",".join(wrong)))
    if not kind:
        problems.append(errors.required(f"{path}.kind"))
    elif wrong := object_names.is_dns1035_label(kind.lower()):
        told = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
        problems.append(errors.invalid_value(f"{path}.kind", kind, told))
    return problems


def _policy(obj: Any, *, validating: bool) -> list[FieldError]:
    spec = obj.spec
    problems = one_of("spec.failurePolicy", spec.failure_policy, ("Fail", "Ignore"))
    if spec.param_kind is not None:
        problems += _param_kind(spec.param_kind, "spec.paramKind")
    problems += _matches("spec.matchConstraints", spec.match_constraints, rules_needed=True)
    names = [name for name in NAMES if name != "params" or spec.param_kind is not None]
    problems += conditions("spec.matchConditions", spec.match_conditions, names)
    names.append("variables")
    seen = Once()
    for index, variable in enumerate(spec.variables or ()):
        where, name = f"spec.variables[{index}]", variable.name or ""
        if not name.strip():
            problems.append(errors.required(f"{where}.name", "name is not specified"))
        elif not _IDENTIFIER.fullmatch(name) or name in NO_NAMES:
            problems.append(errors.invalid_value(f"{where}.name", name, "name is not a valid CEL identifier"))
        problems += seen.add(f"{where}.name", name)
        problems += expression(f"{where}.expression", variable.expression, names, TYPES, missing=_NO_EXPRESSION)
    return problems + (_validations(obj, names) if validating else _mutations(spec, names))


_NO_EXPRESSION = "expression is not specified"


def _validations(obj: Any, names: list[str]) -> list[FieldError]:
    spec, problems = obj.spec, []
    if not spec.validations and not spec.audit_annotations:
        message = "validations or auditAnnotations must contain at least one item"
        return [errors.required("spec.validations", message), errors.required("spec.auditAnnotations", message)]
    for index, validation in enumerate(spec.validations or ()):
        where, told, said = f"spec.validations[{index}]", validation.message_expression, validation.message
        problems += expression(f"{where}.expression", validation.expression, names, wants="bool", missing=_NO_EXPRESSION)
        if told and not told.strip():
            problems.append(errors.invalid_value(f"{where}.messageExpression", told, "must be non-empty if specified"))
        elif told:
            problems += expression(f"{where}.messageExpression", told, names, wants="string")
        if said and not said.strip():
            problems.append(errors.invalid_value(f"{where}.message", said, "message must be non-empty if specified"))
        elif said and re.search(r"[\n\r]", said.strip()):
            problems.append(errors.invalid_value(f"{where}.message", said, "message must not contain line breaks"))
        problems += one_of(f"{where}.reason", validation.reason, REASONS, optional=True)
    return problems + _annotations(obj, names)


def _annotations(obj: Any, names: list[str]) -> list[FieldError]:
    given, path, problems, seen = obj.spec.audit_annotations or [], "spec.auditAnnotations", [], Once()
    if len(given) > MAX_ANNOTATIONS:
        problems.append(errors.invalid_value(path, given, f"must not have more than {MAX_ANNOTATIONS} auditAnnotations"))
    for index, annotation in enumerate(given):
        where, key, text = f"{path}[{index}]", annotation.key or "", annotation.value_expression or ""
        if obj.metadata.name:
            problems += checks.qualified(f"{where}.key", f"{obj.metadata.name}/{key}")
        else:
            problems.append(errors.invalid_value(f"{where}.key", key, "requires metadata.name be non-empty"))
        if len(text.strip()) > MAX_ANNOTATION:
            problems.append(errors.required(f"{where}.valueExpression", f"must not exceed {MAX_ANNOTATION} bytes in length"))
        else:
            problems += expression(f"{where}.valueExpression", text, names, missing="valueExpression is not specified")
        problems += seen.add(f"{where}.key", key)
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
    problems = checks.name_needed("spec.policyName", spec.policy_name)
    if spec.param_ref is not None:
        problems += _param_ref(spec.param_ref, "spec.paramRef")
    problems += _matches("spec.matchResources", spec.match_resources, rules_needed=False)
    return problems + (_actions(spec.validation_actions or [], "spec.validationActions") if hasattr(spec, "validation_actions") else [])


def _param_ref(found: Any, path: str) -> list[FieldError]:
    problems, both = [], "name and selector are mutually exclusive"
    if found.name:
        problems += checks.named(f"{path}.name", found.name, object_names.is_path_segment)
        problems += [errors.forbidden_field(f"{path}.name", both)] if found.selector is not None else []
    problems += label_selector(f"{path}.selector", found.selector)
    if found.name and found.selector is not None:
        problems.append(errors.forbidden_field(f"{path}.selector", both))
    if not found.name and found.selector is None:
        problems.append(errors.required(path, "one of name or selector must be specified"))
    return problems + one_of(f"{path}.parameterNotFoundAction", found.parameter_not_found_action, ("Deny", "Allow"))


def _actions(given: list[str], path: str) -> list[FieldError]:
    problems, seen = [], Once()
    for index, action in enumerate(given):
        if action not in ACTIONS:
            problems.append(errors.not_supported(f"{path}[{index}]", action, ACTIONS))
        problems += seen.add(f"{path}[{index}]", action)
    if {"Deny", "Warn"} <= set(given):
        twice = "repeating the same validation failure information in the API response and headers serves no purpose"
        problems.append(errors.invalid_value(path, given, f"must not contain both Deny and Warn ({twice})"))
    return problems if given else [errors.required(path, "at least one validation action is required")]


def status(new: Any, old: Any) -> list[FieldError]:
    """Of policies that validate: warnings say what about, and conditions all that belongs to them."""
    found = getattr(new, "status", None)
    if found is None:
        return []
    problems, path = [], "status.typeChecking.expressionWarnings"
    for index, one in enumerate((found.type_checking.expression_warnings or ()) if found.type_checking is not None else ()):
        problems += needed(f"{path}[{index}].warning", one.warning) + needed(f"{path}[{index}].fieldRef", (one.field_ref or "").strip())
    return problems + statuses.conditions(found.conditions, "status.conditions")
