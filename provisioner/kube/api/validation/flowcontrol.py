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
# How many hands there may be, in bits.
HAND_BITS = 60


def create(obj: Any) -> list[FieldError]:
    return _schema(obj) if type(obj).KIND == "FlowSchema" else _level(obj)


def _schema(obj: Any) -> list[FieldError]:
    spec, problems = obj.spec, []
    precedence = spec.matching_precedence or 0
    if precedence <= 0 or precedence > MAX_PRECEDENCE:
        message = f"must be a positive value less than or equal to {MAX_PRECEDENCE}" if precedence > 0 else "must be a positive value"
        problems.append(errors.invalid_value("spec.matchingPrecedence", precedence, message))
    if precedence == 1 and obj.metadata.name != "exempt":
        problems.append(
            errors.invalid_value("spec.matchingPrecedence", precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
        )
    if spec.distinguisher_method is not None:
        problems += one_of("spec.distinguisherMethod.type", spec.distinguisher_method.type, ("ByNamespace", "ByUser"))
    reference = spec.priority_level_configuration
    problems += checks.name_needed("spec.priorityLevelConfiguration.name", reference.name if reference is not None else None)
    for index, rule in enumerate(spec.rules or ()):
        problems += _rule(rule, f"spec.rules[{index}]")
    fixed = _FIXED.get(obj.metadata.name or "")
    method = spec.distinguisher_method.type if spec.distinguisher_method is not None else None
    if fixed is not None and fixed != (precedence, reference.name if reference is not None else None, method):
        problems.append(errors.invalid_value("spec", spec, f"spec of '{obj.metadata.name}' must equal the fixed value"))
    return problems


def _rule(rule: Any, path: str) -> list[FieldError]:
    problems = needed(f"{path}.subjects", rule.subjects)
    for index, subject in enumerate(rule.subjects or ()):
        problems += _subject(subject, f"{path}.subjects[{index}]")
    if not rule.resource_rules and not rule.non_resource_rules:
        problems.append(errors.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"))
    for index, part in enumerate(rule.resource_rules or ()):
        where = f"{path}.resourceRules[{index}]"
        problems += _verbs(part.verbs, f"{where}.verbs")
        problems += _starred(part.api_groups, f"{where}.apiGroups") + _starred(part.resources, f"{where}.resources")
        if not part.namespaces and not part.cluster_scope:
            problems.append(
                errors.required(f"{where}.namespaces", "resource rules that are not cluster scoped must supply at least one namespace")
            )
        elif "*" in (part.namespaces or ()) and len(part.namespaces) > 1:
            problems.append(
                errors.invalid_value(f"{where}.namespaces", part.namespaces, "if '*' is present, must not specify other namespaces")
            )
    for index, part in enumerate(rule.non_resource_rules or ()):
        where = f"{path}.nonResourceRules[{index}]"
        problems += _verbs(part.verbs, f"{where}.verbs") + _starred(part.non_resource_urls, f"{where}.nonResourceURLs")
        for number, url in enumerate(part.non_resource_urls or ()):
            if url != "*" and not url.startswith("/"):
                problems.append(errors.invalid_value(f"{where}.nonResourceURLs[{number}]", url, "must start with slash"))
    return problems


def _subject(subject: Any, path: str) -> list[FieldError]:
    attributes = {
        "User": ("user", subject.user),
        "Group": ("group", subject.group),
        "ServiceAccount": ("serviceAccount", subject.service_account),
    }
    if subject.kind not in attributes:
        return [errors.not_supported(f"{path}.kind", subject.kind, sorted(attributes))]
    name, given = attributes[subject.kind]
    if given is None:
        return [errors.required(f"{path}.{name}", f"{name} is required when subject kind is '{subject.kind}'")]
    problems = needed(f"{path}.{name}.name", given.name)
    if subject.kind == "ServiceAccount":
        if given.name and given.name != "*":
            problems += checks.named(f"{path}.{name}.name", given.name, names.is_dns_subdomain)
        problems += needed(f"{path}.{name}.namespace", given.namespace, "must specify namespace for service account")
    return problems


def _verbs(verbs: list[str] | None, path: str) -> list[FieldError]:
    problems = _starred(verbs, path)
    return problems + [errors.not_supported(path, verbs, VERBS) for _ in range(1) if set(verbs or ()) - {*VERBS, "*"}]


def _starred(values: list[str] | None, path: str) -> list[FieldError]:
    if "*" in (values or ()) and len(values or ()) > 1:
        return [errors.invalid_value(path, values, "if '*' is present, must not specify other " + path.rpartition(".")[2])]
    return needed(path, values)


def _level(obj: Any) -> list[FieldError]:
    spec = obj.spec
    exempt = obj.metadata.name == "exempt"
    problems = one_of("spec.type", spec.type, ("Exempt", "Limited"))
    if exempt != (spec.type == "Exempt") and spec.type in ("Exempt", "Limited"):
        message = "must be 'Exempt' if the name is 'exempt'" if exempt else "must be 'Limited' if the name is not 'exempt'"
        problems.append(errors.invalid_value("spec.type", spec.type, message))
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
        problems.append(errors.forbidden_field(f"{where}.queuing", "must be nil if limited.limitResponse.type is not Queue"))
    if response.type != "Queue":
        return problems
    if queuing is None:
        return [*problems, errors.required(f"{where}.queuing", "must not be empty if limited.limitResponse.type is Queue")]
    return problems + _queuing(queuing, f"{where}.queuing")


def _queuing(found: Any, path: str) -> list[FieldError]:
    queues, hand = found.queues or 0, found.hand_size or 0
    problems = []
    for name, value in (("queueLengthLimit", found.queue_length_limit or 0), ("queues", queues), ("handSize", hand)):
        if value <= 0:
            problems.append(errors.invalid_value(f"{path}.{name}", value, "must be positive"))
    if queues > MAX_QUEUES:
        problems.append(errors.invalid_value(f"{path}.queues", queues, f"must not be greater than {MAX_QUEUES}"))
    elif hand > queues > 0:
        message = f"should not be greater than queues ({queues})"
        problems.append(errors.invalid_value(f"{path}.handSize", hand, message))
    elif not problems and comb(queues, min(hand, HAND_BITS)) > 2**HAND_BITS:
        message = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HAND_BITS}"
        problems.append(errors.invalid_value(f"{path}.handSize", hand, message))
    return problems
