"""Flow schemas and priority levels (flowcontrol.apiserver.k8s.io)."""

from __future__ import annotations

from math import comb
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import needed, one_of

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
MAX_PRECEDENCE = 10_000
MAX_QUEUES = 10_000_000
# The mandatory schemas' precedence, level and distinguisher.
_FIXED = {"exempt": (1, "exempt", None), "catch-all": (10_000, "catch-all", "ByUser")}
_NAMESPACES = "each member of this list must be '*' or a DNS-1123 label; "
# How many hands there may be, in bits.
HAND_BITS = 60


def create(obj: Any) -> list[FieldError]:
    return _schema(obj) if type(obj).KIND == "FlowSchema" else _level(obj)


def _schema(obj: Any) -> list[FieldError]:
    spec, problems = obj.spec, []
    precedence = spec.matching_precedence or 0
    if precedence <= 0 or precedence > MAX_PRECEDENCE:
        message = f"must not be greater than {MAX_PRECEDENCE}" if precedence > 0 else "must be a positive value"
        problems.append(errors.invalid_value("spec.matchingPrecedence", precedence, message))
    if precedence == 1 and obj.metadata.name != "exempt":
        problems.append(
            errors.invalid_value("spec.matchingPrecedence", precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
        )
    if spec.distinguisher_method is not None:
        problems += one_of("spec.distinguisherMethod.type", spec.distinguisher_method.type, ("ByNamespace", "ByUser"))
    reference = spec.priority_level_configuration
    level, where = (reference.name if reference is not None else None), "spec.priorityLevelConfiguration.name"
    problems += checks.named(where, level, names.is_dns_subdomain) + needed(where, level, "must reference a priority level")
    for index, rule in enumerate(spec.rules or ()):
        problems += _rule(rule, f"spec.rules[{index}]")
    fixed = _FIXED.get(obj.metadata.name or "")
    method = spec.distinguisher_method.type if spec.distinguisher_method is not None else None
    if fixed is not None and fixed != (precedence, level, method):
        problems.append(errors.invalid_value("spec", spec, f"spec of '{obj.metadata.name}' must equal the fixed value"))
    return problems


def _rule(rule: Any, path: str) -> list[FieldError]:
    problems = needed(f"{path}.subjects", rule.subjects, "subjects must contain at least one value")
    for index, subject in enumerate(rule.subjects or ()):
        problems += _subject(subject, f"{path}.subjects[{index}]")
    if not rule.resource_rules and not rule.non_resource_rules:
        problems.append(errors.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"))
    for index, part in enumerate(rule.resource_rules or ()):
        where = f"{path}.resourceRules[{index}]"
        problems += _verbs(part.verbs, f"{where}.verbs")
        problems += _starred(part.api_groups, f"{where}.apiGroups", "api groups", "resource rules must supply at least one api group")
        problems += _starred(part.resources, f"{where}.resources", "resources", "resource rules must supply at least one resource")
        if part.namespaces or not part.cluster_scope:
            missing = "resource rules that are not cluster scoped must supply at least one namespace"
            problems += _starred(part.namespaces, f"{where}.namespaces", "namespaces", missing)
        for number, name in enumerate((part.namespaces or ()) if "*" not in (part.namespaces or ()) else ()):
            at = f"{where}.namespaces[{number}]"
            problems += [errors.invalid_value(at, name, f"{_NAMESPACES}{message}") for message in names.is_dns_label(name)]
    for index, part in enumerate(rule.non_resource_rules or ()):
        where = f"{path}.nonResourceRules[{index}]"
        problems += _verbs(part.verbs, f"{where}.verbs")
        urls, at = part.non_resource_urls or [], f"{where}.nonResourceURLs"
        problems += _starred(urls, at, "non-resource URLs", "nonResourceURLs must contain at least one value")
        for number, url in enumerate(urls if "*" not in urls else ()):
            problems += _url(url, f"{at}[{number}]")
    return problems


def _url(url: str, path: str) -> list[FieldError]:
    """The first thing that is wrong with a path of no resource."""
    faults = (
        (not url, "must not be empty"),
        (not url.startswith("/"), "must start with slash"),
        (" " in url, "must not contain white-space"),
        ("//" in url, "must not contain double slash"),
        (url.count("*") > 1 or ("*" in url and not url.endswith("/*")), "wildcard can only do suffix matching"),
    )
    return [errors.invalid_value(path, url, message) for wrong, message in faults if wrong][:1]


def _subject(subject: Any, path: str) -> list[FieldError]:
    attributes = {
        "Group": ("group", subject.group),
        "ServiceAccount": ("serviceAccount", subject.service_account),
        "User": ("user", subject.user),
    }
    if subject.kind not in attributes:
        return [errors.not_supported(f"{path}.kind", subject.kind or "", sorted(attributes))]
    name, given = attributes[subject.kind]
    problems: list[FieldError] = []
    if given is None:
        problems.append(errors.required(f"{path}.{name}", f"{name} is required when subject kind is '{subject.kind}'"))
    else:
        problems += needed(f"{path}.{name}.name", given.name)
        if subject.kind == "ServiceAccount":
            if given.name != "*":
                problems += checks.named(f"{path}.{name}.name", given.name, names.is_dns_subdomain)
            where = f"{path}.{name}.namespace"
            problems += checks.named(where, given.namespace, names.is_dns_label)
            problems += needed(where, given.namespace, "must specify namespace for service account")
    for kind in ("ServiceAccount", "User", "Group"):
        other, there = attributes[kind]
        if kind != subject.kind and there is not None:
            problems.append(errors.forbidden_field(f"{path}.{other}", f"{other} is forbidden when subject kind is not '{kind}'"))
    return problems


def _verbs(verbs: list[str] | None, path: str) -> list[FieldError]:
    problems = _starred(verbs, path, "verbs", "verbs must contain at least one value")
    if problems or "*" in (verbs or ()) or not set(verbs or ()) - set(VERBS):
        return problems
    return [errors.not_supported(path, verbs, VERBS)]


def _starred(values: list[str] | None, path: str, what: str, missing: str) -> list[FieldError]:
    if "*" in (values or ()) and len(values or ()) > 1:
        return [errors.invalid_value(path, values, f"if '*' is present, must not specify other {what}")]
    return needed(path, values, missing)


def _level(obj: Any) -> list[FieldError]:
    spec, problems = obj.spec, []
    if (obj.metadata.name == "exempt") != (spec.type == "Exempt"):
        message = "type must be 'Exempt' if and only if name is 'exempt'"
        problems.append(errors.invalid_value("spec.type", spec.type or "", message))
    if spec.type not in ("Exempt", "Limited"):
        return [*problems, errors.not_supported("spec.type", spec.type or "", ("Exempt", "Limited"))]
    if spec.type == "Exempt":
        if spec.limited is not None:
            problems.append(errors.forbidden_field("spec.limited", "must be nil if the type is not Limited"))
        if spec.exempt is not None:
            problems += checks.not_negative("spec.exempt.nominalConcurrencyShares", spec.exempt.nominal_concurrency_shares)
            problems += checks.within("spec.exempt.lendablePercent", spec.exempt.lendable_percent, 0, 100)
        return problems
    if spec.exempt is not None:
        problems.append(errors.forbidden_field("spec.exempt", "must be nil if the type is Limited"))
    if spec.limited is None:
        return [*problems, errors.required("spec.limited", "must not be empty when type is Limited")]
    return problems + _limited(spec.limited, "spec.limited")


def _limited(found: Any, path: str) -> list[FieldError]:
    problems = checks.not_negative(f"{path}.nominalConcurrencyShares", found.nominal_concurrency_shares)
    problems += checks.within(f"{path}.lendablePercent", found.lendable_percent, 0, 100)
    problems += checks.not_negative(f"{path}.borrowingLimitPercent", found.borrowing_limit_percent)
    response, where = found.limit_response, f"{path}.limitResponse"
    if response is None:
        return [*problems, errors.required(f"{where}.type")]
    problems += one_of(f"{where}.type", response.type, ("Queue", "Reject"))
    queuing = response.queuing
    if response.type == "Reject" and queuing is not None:
        problems.append(errors.forbidden_field(f"{where}.queuing", "must be nil if limited.limitResponse.type is not Limited"))
    if response.type != "Queue":
        return problems
    if queuing is None:
        return [*problems, errors.required(f"{where}.queuing", "must not be empty if limited.limitResponse.type is Limited")]
    return problems + _queuing(queuing, f"{where}.queuing")


def _queuing(found: Any, path: str) -> list[FieldError]:
    queues, hand = found.queues or 0, found.hand_size or 0
    problems = []
    if (found.queue_length_limit or 0) <= 0:
        problems.append(errors.invalid_value(f"{path}.queueLengthLimit", found.queue_length_limit or 0, "must be positive"))
    if queues <= 0:
        problems.append(errors.invalid_value(f"{path}.queues", queues, "must be positive"))
    elif queues > MAX_QUEUES:
        problems.append(errors.invalid_value(f"{path}.queues", queues, f"must not be greater than {MAX_QUEUES}"))
    if hand <= 0:
        problems.append(errors.invalid_value(f"{path}.handSize", hand, "must be positive"))
    elif hand > queues:
        problems.append(errors.invalid_value(f"{path}.handSize", hand, f"should not be greater than queues ({queues})"))
    elif comb(min(queues, MAX_QUEUES), min(hand, HAND_BITS)) > 2**HAND_BITS:
        message = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HAND_BITS}"
        problems.append(errors.invalid_value(f"{path}.handSize", hand, message))
    return problems


def status(new: Any, old: Any) -> list[FieldError]:
    """Conditions of each type are there once, and have one."""
    problems: list[FieldError] = []
    seen = checks.Once()
    for index, condition in enumerate(new.status.conditions or ()):
        where = f"status.conditions[{index}].type"
        problems += seen.add(where, condition.type or "") + needed(where, condition.type, "must not be empty")
    return problems
