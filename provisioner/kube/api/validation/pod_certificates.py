"""Requests of pods for certificates (certificates.k8s.io/v1beta1 PodCertificateRequest): a key that the kubelet proves to have, and one answer."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.certificates import KEY_TYPES, lifetime, signer
from provisioner.kube.api.validation.checks import needed

# Together, keys and values.
MAX_ANNOTATIONS_BYTES = 256 * 1024
# The last word about a request: it is True, and the only one.
KNOWN = ("Denied", "Failed", "Issued")
_CURVES = {"secp256r1": "ECDSAP256", "secp384r1": "ECDSAP384", "secp521r1": "ECDSAP521"}


def create(obj: Any) -> list[FieldError]:
    spec = obj.spec
    problems = signer("spec.signerName", spec.signer_name)
    for name, value in (("podName", spec.pod_name), ("serviceAccountName", spec.service_account_name), ("nodeName", spec.node_name)):
        problems += checks.name_needed(f"spec.{name}", value)
    for name, value in (("podUID", spec.pod_uid), ("serviceAccountUID", spec.service_account_uid), ("nodeUID", spec.node_uid)):
        problems += needed(f"spec.{name}", value)
        if value and len(value) > 128:
            problems.append(errors.too_long(f"spec.{name}", 128))
    problems += lifetime("spec.maxExpirationSeconds", spec.max_expiration_seconds, spec.signer_name or "")
    notes = spec.unverified_user_annotations or {}
    for key in notes:
        wrong = names.is_qualified_name(key)
        problems += [errors.invalid_value("spec.unverifiedUserAnnotations", key, message) for message in wrong]
    if sum(len(key) + len(value) for key, value in notes.items()) > MAX_ANNOTATIONS_BYTES:
        problems.append(errors.too_long("spec.unverifiedUserAnnotations", MAX_ANNOTATIONS_BYTES))
    return problems + _key(spec)


def always(obj: Any) -> list[FieldError]:
    return []


def update(new: Any, old: Any) -> list[FieldError]:
    return checks.unchanged("spec", new.spec, old.spec)


def _key(spec: Any) -> list[FieldError]:
    if spec.stub_pkcs_10_request:
        if spec.pkix_public_key or spec.proof_of_possession:
            message = "may not be specified together with pkixPublicKey and proofOfPossession"
            return [errors.forbidden_field("spec.stubPKCS10Request", message)]
        return _stub(spec.stub_pkcs_10_request)
    if not spec.pkix_public_key:
        return [errors.required("spec.stubPKCS10Request")]
    return _proved(spec)


def _stub(text: str) -> list[FieldError]:
    from cryptography import x509

    path = "spec.stubPKCS10Request"
    try:
        request = x509.load_der_x509_csr(base64.b64decode(text))
    except (ValueError, binascii.Error):
        return [errors.invalid_value(path, "<request>", "must be a PKCS#10 certificate request in DER")]
    if not request.is_signature_valid:
        return [errors.invalid_value(path, "<request>", "must be signed by the key that it is about")]
    return _kind(request.public_key(), path)


def _proved(spec: Any) -> list[FieldError]:
    """The key signs the pod's UID."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    path = "spec.pkixPublicKey"
    try:
        key: Any = serialization.load_der_public_key(base64.b64decode(spec.pkix_public_key))
        proof = base64.b64decode(spec.proof_of_possession or "")
    except (ValueError, binascii.Error):
        return [errors.invalid_value(path, "<key>", "must be a PKIX-serialized public key")]
    problems = _kind(key, path)
    if problems:
        return problems
    said = (spec.pod_uid or "").encode()
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(proof, said)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(proof, said, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(proof, said, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), hashes.SHA256())
    except InvalidSignature:
        return [errors.invalid_value("spec.proofOfPossession", "<proof>", "could not verify proof-of-possession signature")]
    return []


def _kind(key: Any, path: str) -> list[FieldError]:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    found = "unknown"
    if isinstance(key, ed25519.Ed25519PublicKey):
        found = "ED25519"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        found = _CURVES.get(key.curve.name, key.curve.name)
    elif isinstance(key, rsa.RSAPublicKey):
        found = f"RSA{key.key_size}"
    return [] if found in KEY_TYPES else [errors.invalid_value(path, found, f"key must be one of {', '.join(KEY_TYPES)}")]


def status(new: Any, old: Any) -> list[FieldError]:
    """Who signs says one last word, and with Issued gives the certificate and its times."""
    problems: list[FieldError] = []
    said = [c for c in new.status.conditions or () if c.type in KNOWN]
    for index, condition in enumerate(new.status.conditions or ()):
        where = f"status.conditions[{index}]"
        if condition.type not in KNOWN:
            problems.append(errors.not_supported(f"{where}.type", condition.type or "", KNOWN))
        elif condition.status != "True":
            problems.append(errors.not_supported(f"{where}.status", condition.status or "", ("True",)))
    if len(said) > 1:
        message = 'There may be at most one condition with type "Issued", "Denied", or "Failed"'
        problems.append(errors.invalid_value("status.conditions", [c.type for c in said], message))
    if old.status.conditions and (new.status.conditions != old.status.conditions or _given(new) != _given(old)):
        problems.append(errors.invalid_value("status", "<status>", "immutable after PodCertificateRequest is issued, denied, or failed"))
    issued = any(c.type == "Issued" for c in said)
    for name, value in zip(("certificateChain", "notBefore", "beginRefreshAt", "notAfter"), _given(new), strict=True):
        if issued and not value:
            problems.append(errors.required(f"status.{name}", "must be present and consistent with the issued certificate"))
        elif value and not issued:
            message = 'may only be set with a condition of type "Issued"'
            problems.append(errors.forbidden_field(f"status.{name}", message))
    return problems


def _given(obj: Any) -> tuple[str | None, ...]:
    found = obj.status
    return (found.certificate_chain, found.not_before, found.begin_refresh_at, found.not_after)
