"""What can be said of a policy's expressions before they run: checked against the types of the resources that its rules name. Pure.

Source: ValidatingAdmissionPolicy, "Type checking": no wildcards, ten types at most, warnings only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.kube.api import cel
from provisioner.kube.api.cel.checking import Type, check
from provisioner.kube.api.validation.policies import NAMES, TYPES
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.openapi.schemas import Definitions

MAX_TYPES = 10


def schema_of(kind: Kind) -> Type:
    """The type of a kind's objects, with references put in place (types that hold themselves do so here, too)."""
    own = getattr(kind, "openapi", None)
    if own is not None:
        found: Type = own()[1]
        return found
    definitions = Definitions("")
    name = definitions.reference(kind.struct)["$ref"]
    made: dict[str, dict[str, Any]] = {name: {} for name in definitions.found}
    for each, schema in definitions.found.items():
        made[each].update(_placed(schema, made))
    return made[name]


def _placed(schema: Any, made: Mapping[str, dict[str, Any]]) -> Any:
    if isinstance(schema, list):
        return [_placed(item, made) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return made[schema["$ref"]]
    found = {key: _placed(value, made) for key, value in schema.items()}
    if found.get("format") == "int-or-string":
        found["x-kubernetes-int-or-string"] = True
    return found


def kinds_of(policy: Any, kinds: Iterable[Kind]) -> list[Kind]:
    """The kinds that a policy's rules name without wildcards."""
    constraints = policy.spec.match_constraints
    rules = (constraints.resource_rules or ()) if constraints is not None else ()
    wanted = {
        (group, version, resource)
        for rule in rules
        for group in rule.api_groups or ()
        for version in rule.api_versions or ()
        for resource in rule.resources or ()
    }
    found = [k for k in kinds if (k.resource.group, k.resource.version, k.resource.plural) in wanted]
    return sorted(found, key=lambda k: (k.resource.group, k.resource.version, k.resource.kind))[:MAX_TYPES]


def warnings(policy: Any, kinds: Iterable[Kind], params: Kind | None) -> list[tuple[str, str]]:
    """(field, warning) of each expression that can't be right for some type."""
    typed = [(k, schema_of(k)) for k in kinds]
    params_type = schema_of(params) if params is not None else None
    found = []
    for field, text in _expressions(policy):
        told = []
        for kind, schema in typed:
            names = {"object": schema, "oldObject": schema, "params": params_type, "variables": _variables(policy, schema, params_type)}
            problem = _problem(text, names)
            if problem:
                told.append(f"{kind.resource.api_version}, Kind={kind.resource.kind}: {problem}")
        if told:
            found.append((field, "\n".join(told)))
    return found


def _expressions(policy: Any) -> Iterator[tuple[str, str]]:
    for index, validation in enumerate(policy.spec.validations or ()):
        yield f"spec.validations[{index}].expression", validation.expression or ""
        if validation.message_expression:
            yield f"spec.validations[{index}].messageExpression", validation.message_expression


def _checked(text: str, names: Mapping[str, Type]) -> Type:
    """Raises CelError."""
    program = cel.compile(text, frozenset((*NAMES, "variables")), frozenset(TYPES))
    try:
        return check(text, program.tree, names)[0]
    except RecursionError:
        return None


def _problem(text: str, names: Mapping[str, Type]) -> str:
    try:
        _checked(text, names)
    except cel.CelError as error:
        return str(error)
    return ""


def _variables(policy: Any, schema: Type, params: Type) -> Type:
    """The types of a policy's variables, each made from those before it; one that can't be right is not known."""
    properties: dict[str, Any] = {}
    for variable in policy.spec.variables or ():
        names = {"object": schema, "oldObject": schema, "params": params, "variables": {"type": "object", "properties": dict(properties)}}
        try:
            kind = _checked(variable.expression or "", names)
        except cel.CelError:
            kind = None
        properties[variable.name or ""] = kind if kind is not None else {"x-kubernetes-preserve-unknown-fields": True}
    return {"type": "object", "properties": properties} if properties else None
