"""Certificate signing requests, what their conditions may become, and trust bundles (certificates.k8s.io)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, needed

# Ten minutes.
MIN_CERTIFICATE_S = 600
# Of pods' certificates: an hour, 91 days, and a day where the signer is one of Kubernetes' own.
POD_MIN_S, POD_MAX_S, OWN_MAX_S = 3600, 91 * 86400, 86400
KEY_TYPES = ("ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519", "RSA3072", "RSA4096")
LEGACY = "kubernetes.io/legacy-unknown"
USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
_BLOCK = re.compile(r"-----BEGIN ([^-\n]+)-----\r?\n(.*?)-----END \1-----", re.DOTALL)
# Conditions that say what was decided: they are True or not there, and stay.
DECISIONS = ("Approved", "Denied")


def create(obj: Any) -> list[FieldError]:
    kind = type(obj).KIND
    if kind == "CertificateSigningRequest":
        return _request(obj.spec)
    if kind == "ClusterTrustBundle":
        return _bundle(obj)
    return []


def always(obj: Any) -> list[FieldError]:
    return _bundle(obj) if type(obj).KIND == "ClusterTrustBundle" else []


def _request(spec: Any) -> list[FieldError]:
    problems = _readable(spec.request)
    problems += needed("spec.usages", spec.usages, "usages is required")
    seen = Once()
    for index, usage in enumerate(spec.usages or ()):
        where = f"spec.usages[{index}]"
        problems += checks.one_of(where, usage, USAGES) + seen.add(where, usage)
    problems += signer("spec.signerName", spec.signer_name)
    if spec.signer_name == LEGACY:
        message = "the legacy signerName is not allowed via this API version"
        problems.append(errors.invalid_value("spec.signerName", spec.signer_name, message))
    seconds = spec.expiration_seconds
    if seconds is not None and seconds < MIN_CERTIFICATE_S:
        message = "may not specify a duration less than 600 seconds (10 minutes)"
        problems.append(errors.invalid_value("spec.expirationSeconds", seconds, message))
    return problems


def _readable(request: str | None) -> list[FieldError]:
    from cryptography import x509

    try:
        x509.load_pem_x509_csr(base64.b64decode(request or ""))
    except (ValueError, binascii.Error):
        return [errors.invalid_value("spec.request", request or "", "unable to parse csr: PEM block type must be CERTIFICATE REQUEST")]
    return []


def signer(path: str, name: str | None) -> list[FieldError]:
    """The name of a signer: a domain, a slash, a path."""
    if not name:
        return [errors.required(path)]
    domain, slash, rest = name.partition("/")
    if not slash or not rest or "/" in rest:
        return [errors.invalid_value(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")]
    if domain.count(".") < 1:
        return [errors.invalid_value(path, domain, "should be a domain with at least two segments separated by dots")]
    return []


def lifetime(path: str, seconds: int | None, signer_name: str) -> list[FieldError]:
    """How long a pod's certificate may live."""
    if seconds is None:
        return []
    if seconds < POD_MIN_S:
        return [errors.invalid_value(path, seconds, f"must be at least {POD_MIN_S} seconds (1 hour)")]
    if signer_name.startswith("kubernetes.io/") and seconds > OWN_MAX_S:
        return [errors.invalid_value(path, seconds, f"must be at most {OWN_MAX_S} seconds (24 hours) for kubernetes.io signers")]
    return [errors.invalid_value(path, seconds, f"must be at most {POD_MAX_S} seconds (91 days)")] if seconds > POD_MAX_S else []


def _bundle(obj: Any) -> list[FieldError]:
    name, given = obj.metadata.name or "", obj.spec.signer_name
    problems = []
    if given:
        problems += signer("spec.signerName", given)
        prefix = f"{given.replace('/', ':')}:"
        if not name.startswith(prefix):
            message = f'ClusterTrustBundle for signerName "{given}" must be named with prefix "{prefix}"'
            problems.append(errors.invalid_value("metadata.name", name, message))
    elif ":" in name:
        message = 'ClusterTrustBundle without signer name must not have ":" in its name'
        problems.append(errors.invalid_value("metadata.name", name, message))
    if "-----BEGIN CERTIFICATE-----" not in (obj.spec.trust_bundle or ""):
        problems.append(errors.invalid_value("spec.trustBundle", "<value omitted>", "at least one trust anchor must be provided"))
    return problems


def update(new: Any, old: Any) -> list[FieldError]:
    if type(new).KIND == "ClusterTrustBundle":
        return checks.unchanged("spec.signerName", new.spec.signer_name, old.spec.signer_name)
    return []


def status(new: Any, old: Any) -> list[FieldError]:
    """Who signs sets the certificate once, and decides nothing."""
    if type(new).KIND != "CertificateSigningRequest":
        return []
    problems = _conditions(new) + _kept(new, old, may_decide=False) + _issued(new.status.certificate)
    if old.status.certificate and new.status.certificate != old.status.certificate:
        problems.append(errors.forbidden_field("status.certificate", "updates may not modify certificate content"))
    return problems


def _issued(certificate: str | None) -> list[FieldError]:
    """One certificate at least, and nothing else, in PEM."""
    if not certificate:
        return []
    text = base64.b64decode(certificate).decode(errors="replace")
    wrong = ""
    blocks = _BLOCK.findall(text)
    others = [kind for kind, _ in blocks if kind != "CERTIFICATE"]
    if not blocks:
        wrong = "must contain one or more PEM blocks"
    elif others:
        wrong = f"only CERTIFICATE PEM blocks are allowed, found {errors.shown(others[0])}"
    elif any(":" in inside for _, inside in blocks):
        wrong = "no PEM block headers are permitted"
    else:
        wrong = _unreadable(text)
    return [errors.invalid_value("status.certificate", "<certificate data>", wrong)] if wrong else []


def _unreadable(text: str) -> str:
    from cryptography import x509

    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return "must contain certificates that can be parsed"
    return ""


def approval(new: Any, old: Any) -> list[FieldError]:
    """Who approves or denies says so once."""
    return _conditions(new) + _kept(new, old, may_decide=True)


def _conditions(obj: Any) -> list[FieldError]:
    problems: list[FieldError] = []
    seen = Once()
    types = [c.type for c in obj.status.conditions or ()]
    for index, found in enumerate(obj.status.conditions or ()):
        where = f"status.conditions[{index}]"
        problems += needed(f"{where}.type", found.type)
        allowed = ("True",) if found.type in (*DECISIONS, "Failed") else ("False", "True", "Unknown")
        problems += checks.one_of(f"{where}.status", found.status, allowed)
        other = next((d for d in DECISIONS if d != found.type), "")
        if found.type in DECISIONS and other in types[:index]:
            problems.append(errors.invalid_value(f"{where}.type", found.type, "Approved and Denied conditions are mutually exclusive"))
        if found.type:
            problems += seen.add(f"{where}.type", found.type)
    return problems


def _kept(new: Any, old: Any, *, may_decide: bool) -> list[FieldError]:
    path, problems = "status.conditions", []
    for kind in (*DECISIONS, "Failed"):
        mine, before = ([c for c in obj.status.conditions or () if c.type == kind] for obj in (new, old))
        said = f'a condition of type "{kind}"'
        if before and not mine:
            problems.append(errors.forbidden_field(path, f"updates may not remove {said}"))
        elif kind in DECISIONS and mine and not before and not may_decide:
            problems.append(errors.forbidden_field(path, f"updates may not add {said}"))
        elif (
            kind in DECISIONS
            and mine
            and before
            and (mine[0].status, mine[0].reason, mine[0].message)
            != (
                before[0].status,
                before[0].reason,
                before[0].message,
            )
        ):
            problems.append(errors.forbidden_field(path, f"updates may not modify {said}"))
    return problems
