"""Resource definitions and aggregated services: names that fit, versions that can be stored, and what never changes."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from provisioner.kube.api import codec, errors, names
from provisioner.kube.api._generated import apiextensions_v1 as v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, needed, one_of, unchanged
from provisioner.kube.api.validation.schemas import structural
from provisioner.kube.api.validation.webhooks import client

PROTECTED_SUFFIXES = ("k8s.io", "kubernetes.io")
APPROVAL = "api-approved.kubernetes.io"


def create(obj: Any) -> list[FieldError]:
    return _definition(obj, []) + _keeps_unknown(obj) if isinstance(obj, v1.CustomResourceDefinition) else _service(obj)


def _keeps_unknown(obj: v1.CustomResourceDefinition) -> list[FieldError]:
    """Only definitions that have always kept unknown fields may go on."""
    if not obj.spec.preserve_unknown_fields:
        return []
    message = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
    return [errors.invalid_value("spec.preserveUnknownFields", True, message)]


def always(obj: Any) -> list[FieldError]:
    """Of updates: schemas are looked at by `update`, which knows which ones are new."""
    return _definition(obj, _schemas(obj.spec.versions)) if isinstance(obj, v1.CustomResourceDefinition) else _service(obj)


def _definition(obj: v1.CustomResourceDefinition, known: list[Any]) -> list[FieldError]:
    spec, problems = obj.spec, []
    plural = spec.names.plural if spec.names is not None else None
    if obj.metadata.name != f"{plural}.{spec.group}":
        problems.append(errors.invalid_value("metadata.name", obj.metadata.name, 'must be spec.names.plural+"."+spec.group'))
    problems += checks.name_needed("spec.group", spec.group)
    if spec.group and "." not in spec.group:
        problems.append(errors.invalid_value("spec.group", spec.group, "should be a domain with at least one dot"))
    if is_protected(spec.group or ""):
        problems += _approved((obj.metadata.annotations or {}).get(APPROVAL))
    problems += one_of("spec.scope", spec.scope, ("Cluster", "Namespaced"))
    problems += _names(spec.names, "spec.names")
    problems += _versions(spec.versions, "spec.versions", known, keeps_unknown=bool(spec.preserve_unknown_fields))
    conversion = spec.conversion
    if conversion is not None:
        problems += one_of("spec.conversion.strategy", conversion.strategy, ("None", "Webhook"))
        if conversion.strategy == "Webhook" and (conversion.webhook is None or conversion.webhook.client_config is None):
            problems.append(errors.required("spec.conversion.webhookClientConfig", "required when strategy is set to Webhook"))
        elif conversion.strategy == "Webhook" and conversion.webhook is not None:
            problems += client(conversion.webhook.client_config, "spec.conversion.webhookClientConfig")
        if conversion.strategy == "None" and conversion.webhook is not None:
            problems.append(errors.forbidden_field("spec.conversion.webhook", "should not be set when strategy is not set to Webhook"))
    return problems


def is_protected(group: str) -> bool:
    """Whether a group is one of the Kubernetes project's."""
    return any(group == suffix or group.endswith(f".{suffix}") for suffix in PROTECTED_SUFFIXES)


def is_page(text: str) -> bool:
    """Whether a text is the address of something."""
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return bool(url.scheme and url.netloc)


def _approved(said: str | None) -> list[FieldError]:
    """Whether somebody answers for a definition in one of the project's own groups, or says that nobody does."""
    where = f"metadata.annotations[{APPROVAL}]"
    needed, page = f'protected groups must have approval annotation "{APPROVAL}"', "https://github.com/kubernetes/enhancements/pull/1111"
    if said is None:
        return [errors.required(where, f"{needed}, see {page}")]
    if said.startswith("unapproved") or is_page(said):
        return []
    return [errors.invalid_value(where, said, f'{needed} with either a URL or a reason starting with "unapproved", see {page}')]


def _names(found: v1.CustomResourceDefinitionNames | None, path: str) -> list[FieldError]:
    if found is None:
        return [errors.required(path)]
    problems = checks.name_needed(f"{path}.plural", found.plural, names.is_dns1035_label)
    problems += checks.name_needed(f"{path}.singular", found.singular, names.is_dns1035_label)
    for name, value in (("kind", found.kind), ("listKind", found.list_kind)):
        if not value:
            problems.append(errors.required(f"{path}.{name}"))
        else:
            wrong = names.is_dns1035_label(value.lower())
            problems += [
                errors.invalid_value(f"{path}.{name}", value, f"may have mixed case, but should otherwise match: {m}") for m in wrong
            ]
    if found.kind and found.kind == found.list_kind:
        problems.append(errors.invalid_value(f"{path}.listKind", found.list_kind, "kind and listKind may not be the same"))
    for index, short in enumerate(found.short_names or ()):
        problems += checks.named(f"{path}.shortNames[{index}]", short, names.is_dns1035_label)
    return problems


def _schemas(versions: list[v1.CustomResourceDefinitionVersion] | None) -> list[Any]:
    return [codec.to_dict(v.schema.open_apiv_3_schema) for v in versions or () if v.schema is not None and v.schema.open_apiv_3_schema]


def _versions(
    found: list[v1.CustomResourceDefinitionVersion] | None, path: str, known: list[Any], *, keeps_unknown: bool
) -> list[FieldError]:
    problems = []
    seen = Once()
    for index, version in enumerate(found or ()):
        where = f"{path}[{index}]"
        problems += checks.name_needed(f"{where}.name", version.name, names.is_dns1035_label) + seen.add(f"{where}.name", version.name)
        if version.schema is None or version.schema.open_apiv_3_schema is None:
            problems.append(errors.required(f"{where}.schema.openAPIV3Schema", "schemas are required"))
            continue
        # What was stored under older rules may stay.
        document = codec.to_dict(version.schema.open_apiv_3_schema)
        if document not in known and not keeps_unknown:
            problems += structural(document, f"{where}.schema.openAPIV3Schema")
    if not found:
        return [errors.required(path, "must have at least one version")]
    if sum(bool(version.storage) for version in found) != 1:
        problems.append(errors.invalid_value(path, [v.name for v in found], "must have exactly one version marked as storage version"))
    return problems


def _service(obj: Any) -> list[FieldError]:
    spec, name = obj.spec, obj.metadata.name or ""
    group, version = spec.group or "", spec.version or ""
    problems = []
    if name != f"{version}.{group}" and not names.is_path_segment(name):
        problems.append(errors.invalid_value("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{version}.{group}"'))
    if not group and version != "v1":
        problems.append(errors.required("spec.group", "only v1 may have an empty group and it better be legacy kube"))
    problems += checks.named("spec.group", group, names.is_dns_subdomain)
    problems += [errors.invalid_value("spec.version", version, message) for message in names.is_dns1035_label(version)]
    for path, value, most in (
        ("spec.groupPriorityMinimum", spec.group_priority_minimum or 0, 20000),
        ("spec.versionPriority", spec.version_priority or 0, 1000),
    ):
        problems += [] if 0 < value <= most else [errors.invalid_value(path, value, f"must be positive and less than {most}")]
    return problems + (_served_here(spec) if spec.service is None else _served_by(spec))


def _served_here(spec: Any) -> list[FieldError]:
    problems = []
    if spec.ca_bundle:
        size = len(base64.b64decode(spec.ca_bundle))
        problems.append(errors.invalid_value("spec.caBundle", f"{size} bytes", "local APIServices may not have a caBundle"))
    if spec.insecure_skip_tls_verify:
        message = "local APIServices may not have insecureSkipTLSVerify"
        problems.append(errors.invalid_value("spec.insecureSkipTLSVerify", True, message))
    return problems


def _served_by(spec: Any) -> list[FieldError]:
    path, found = "spec.service", spec.service
    problems = needed(f"{path}.namespace", found.namespace) + needed(f"{path}.name", found.name)
    port = found.port or 0
    if wrong := checks.port(f"{path}.port", port):
        said = wrong[0].message.rpartition(": ")[2]
        problems.append(errors.invalid_value(f"{path}.port", port, f"port is not valid: {said}"))
    if spec.insecure_skip_tls_verify and spec.ca_bundle:
        problems.append(errors.invalid_value("spec.insecureSkipTLSVerify", True, "may not be true if caBundle is present"))
    return problems


def status(new: Any, old: Any) -> list[FieldError]:
    """Of aggregated services."""
    if isinstance(new, v1.CustomResourceDefinition):
        return []
    allowed = ("True", "False", "Unknown")
    return [
        errors.not_supported(f"status.conditions[{index}].status", found.status or "", allowed)
        for index, found in enumerate(new.status.conditions or ())
        if found.status not in allowed
    ]


def update(new: Any, old: Any) -> list[FieldError]:
    if not isinstance(new, v1.CustomResourceDefinition):
        return []
    problems = unchanged("spec.group", new.spec.group, old.spec.group)
    problems += [] if old.spec.preserve_unknown_fields else _keeps_unknown(new)
    known = _schemas(old.spec.versions)
    for index, document in enumerate(_schemas(new.spec.versions)):
        if document not in known:
            problems += structural(document, f"spec.versions[{index}].schema.openAPIV3Schema")
    if not any(c.type == "Established" and c.status == "True" for c in old.status.conditions or ()):
        return problems
    problems += unchanged("spec.scope", new.spec.scope, old.spec.scope)
    if new.spec.names is not None and old.spec.names is not None:
        problems += unchanged("spec.names.kind", new.spec.names.kind, old.spec.names.kind)
        problems += unchanged("spec.names.plural", new.spec.names.plural, old.spec.names.plural)
    served = {version.name for version in new.spec.versions or ()}
    for stored in old.status.stored_versions or ():
        if stored not in served:
            message = (
                f"missing from spec.versions; {stored} was previously a storage version, and must remain in spec.versions until it is none"
            )
            problems.append(errors.invalid_value("status.storedVersions", old.status.stored_versions, message))
    return problems
