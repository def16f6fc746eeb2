"""Projected volumes: files of several sources in one folder, none in another's place (core/v1 ProjectedVolumeSource); and chosen keys and fields
of volumes that are made of one object."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.certificates import KEY_TYPES, lifetime, signer
from provisioner.kube.api.validation.checks import needed
from provisioner.kube.api.validation.containers import ENV_RESOURCES, field_reference

DOWNWARD_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
# Ten minutes, and what fits an unsigned 32-bit number.
TOKEN_MIN_S, TOKEN_MAX_S = 600, 1 << 32
_CERTIFICATE_FILES = ("credentialBundlePath", "keyPath", "certificateChainPath")


def mode(value: int | None, path: str) -> list[FieldError]:
    if value is None or 0 <= value <= 0o777:
        return []
    return [errors.invalid_value(path, value, "must be a number between 0 and 0777 (octal), both inclusive")]


def files(found: Any, path: str) -> list[FieldError]:
    """Mode and chosen keys of a volume that is made of an object's data."""
    problems = mode(getattr(found, "default_mode", None), f"{path}.defaultMode")
    for index, item in enumerate(found.items or ()):
        where = f"{path}.items[{index}]"
        problems += needed(f"{where}.key", item.key) + needed(f"{where}.path", item.path)
        problems += checks.relative_path(f"{where}.path", item.path) + mode(item.mode, f"{where}.mode")
    return problems


def downward(items: list[core_v1.DownwardAPIVolumeFile] | None, path: str) -> list[FieldError]:
    """Files with the pod's own fields; `path` is the downwardAPI's."""
    problems = []
    for index, item in enumerate(items or ()):
        where = f"{path}.items[{index}]"
        problems += needed(f"{where}.path", item.path) + checks.relative_path(f"{where}.path", item.path) + mode(item.mode, f"{where}.mode")
        if item.field_ref is not None:
            problems += field_reference(item.field_ref, f"{where}.fieldRef", DOWNWARD_FIELDS)
            if item.resource_field_ref is not None:
                problems.append(
                    errors.invalid_value(where, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
                )
        elif item.resource_field_ref is not None:
            problems += needed(f"{where}.resourceFieldRef.containerName", item.resource_field_ref.container_name)
            asked = item.resource_field_ref.resource
            if asked not in ENV_RESOURCES and ".hugepages-" not in (asked or ""):
                problems.append(errors.not_supported(f"{where}.resourceFieldRef.resource", asked or "", ENV_RESOURCES))
        else:
            problems.append(errors.required(where, "one of fieldRef and resourceFieldRef is required"))
    return problems


def projected(found: core_v1.ProjectedVolumeSource, path: str) -> list[FieldError]:
    problems = mode(found.default_mode, f"{path}.defaultMode")
    taken: set[str] = set()
    for index, source in enumerate(found.sources or ()):
        where = f"{path}.sources[{index}]"
        given = checks.sources_of(source)
        if len(given) > 1:
            problems.append(errors.forbidden_field(where, "may not specify more than 1 volume type per source"))
        placed: list[str | None] = []
        for name, keys in (("secret", source.secret), ("configMap", source.config_map)):
            if keys is not None:
                problems += needed(f"{where}.{name}.name", keys.name) + files(keys, f"{where}.{name}")
                placed += [item.path for item in keys.items or ()]
        if source.downward_api is not None:
            problems += downward(source.downward_api.items, f"{where}.downwardAPI")
            placed += [item.path for item in source.downward_api.items or ()]
        token = source.service_account_token
        if token is not None:
            problems += _place(f"{where}.serviceAccountToken.path", token.path)
            problems += token_lifetime(f"{where}.serviceAccountToken.expirationSeconds", token.expiration_seconds or 0)
            placed.append(token.path)
        if source.cluster_trust_bundle is not None:
            problems += _bundle(source.cluster_trust_bundle, f"{where}.clusterTrustBundle")
            placed.append(source.cluster_trust_bundle.path)
        if source.pod_certificate is not None:
            wrong, own = _certificate(source.pod_certificate, f"{where}.podCertificate")
            problems += wrong
            placed += own
        for place in placed:
            if place and place in taken:
                problems.append(errors.invalid_value(path, place, "conflicting duplicate paths"))
            taken.add(place or "")
    return problems


def _place(path: str, value: str | None) -> list[FieldError]:
    """Where a file lies: inside the folder, at no name that the kubelet keeps for itself."""
    problems = needed(path, value) + checks.relative_path(path, value)
    if value and value.startswith("..") and not problems:
        problems.append(errors.invalid_value(path, value, "must not start with '..'"))
    return problems


def token_lifetime(path: str, seconds: int) -> list[FieldError]:
    if seconds < TOKEN_MIN_S:
        return [errors.invalid_value(path, seconds, "may not specify a duration less than 10 minutes")]
    if seconds > TOKEN_MAX_S:
        return [errors.invalid_value(path, seconds, "may not specify a duration larger than 2^32 seconds")]
    return []


def _bundle(found: core_v1.ClusterTrustBundleProjection, path: str) -> list[FieldError]:
    problems: list[FieldError] = []
    if found.name is not None and found.signer_name is not None:
        problems.append(errors.invalid_value(path, found, "only one of name and signerName may be used"))
    elif found.name is not None:
        problems += needed(f"{path}.name", found.name, "must be a valid object name")
        problems += checks.named(f"{path}.name", found.name.replace(":", "."), names.is_dns_subdomain)
        if found.label_selector is not None:
            message = "labelSelector must be unset if name is specified"
            problems.append(errors.invalid_value(f"{path}.labelSelector", found.label_selector, message))
    elif found.signer_name is not None:
        problems += signer(f"{path}.signerName", found.signer_name)
        problems += checks.label_selector(f"{path}.labelSelector", found.label_selector)
    else:
        problems.append(errors.required(path, "either name or signerName must be specified"))
    return problems + _place(f"{path}.path", found.path)


def _certificate(found: core_v1.PodCertificateProjection, path: str) -> tuple[list[FieldError], list[str | None]]:
    """(findings, where its files lie)"""
    problems = signer(f"{path}.signerName", found.signer_name)
    if found.key_type not in KEY_TYPES:
        problems.append(errors.not_supported(f"{path}.keyType", found.key_type or "", KEY_TYPES))
    problems += lifetime(f"{path}.maxExpirationSeconds", found.max_expiration_seconds, found.signer_name or "")
    places = [found.credential_bundle_path, found.key_path, found.certificate_chain_path]
    if not any(places):
        problems.append(errors.required(path, f"specify at least one of: {', '.join(_CERTIFICATE_FILES)}"))
    for name, place in zip(_CERTIFICATE_FILES, places, strict=True):
        problems += _place(f"{path}.{name}", place) if place else []
    return problems, places
