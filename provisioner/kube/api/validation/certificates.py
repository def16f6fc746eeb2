"""Certificate signing requests, what their conditions may become, and trust bundles (certificates.k8s.io)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import Once, needed
from provisioner.kube.api.validation.differences import differences

# Of a signer's name: a domain, a slash, and a resource's name in a namespace.
MAX_DOMAIN, MAX_SIGNER = 253, 253 + 1 + 63 + 1 + 253
MAX_BUNDLE_BYTES = 1024 * 1024
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
    if type(obj).KIND == "CertificateSigningRequest":
        return _request(obj.spec)
    return always(obj) + _anchors(obj.spec.trust_bundle or "")


def always(obj: Any) -> list[FieldError]:
    return _bundle(obj) if type(obj).KIND == "ClusterTrustBundle" else []


def _request(spec: Any) -> list[FieldError]:
    wrong, path = _unproved(spec.request), "spec.usages"
    problems = [errors.invalid_value("spec.request", spec.request or "", wrong)] if wrong else []
    problems += needed(path, spec.usages)
    for index, usage in enumerate(spec.usages or ()):
        problems += [] if usage in USAGES else [errors.not_supported(f"{path}[{index}]", usage, USAGES)]
    seen = Once()
    for index, usage in enumerate(spec.usages or ()):
        problems += seen.add(f"{path}[{index}]", usage)
    if spec.signer_name == LEGACY:
        message = "the legacy signerName is not allowed via this API version"
        problems.append(errors.invalid_value("spec.signerName", spec.signer_name, message))
    problems += signer("spec.signerName", spec.signer_name)
    seconds = spec.expiration_seconds
    if seconds is not None and seconds < MIN_CERTIFICATE_S:
        message = "may not specify a duration less than 600 seconds (10 minutes)"
        problems.append(errors.invalid_value("spec.expirationSeconds", seconds, message))
    return problems


def _unproved(request: str | None) -> str:
    """What is wrong with a request; it is signed by the key that it is about."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    not_one = "PEM block type must be CERTIFICATE REQUEST"
    try:
        text = base64.b64decode(request or "")
        found = _BLOCK.search(text.decode(errors="replace"))
        if found is None or found[1] != "CERTIFICATE REQUEST":
            return not_one
        signed = x509.load_pem_x509_csr(text).is_signature_valid
    except binascii.Error:
        return not_one
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "unable to parse csr"
    return "" if signed else "x509: signature verification failure"


def signer(path: str, name: str | None) -> list[FieldError]:
    """The name of a signer: a domain, a slash, a path."""
    if not name:
        return [errors.required(path)]
    domain, slash, rest = name.partition("/")
    if not slash or "/" in rest:
        return [errors.invalid_value(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")]
    problems = [errors.too_long(path, MAX_DOMAIN)] if len(domain) > MAX_DOMAIN else []
    problems += _labels(path, domain, names.is_dns_label)
    if "." not in domain:
        problems.append(errors.invalid_value(path, domain, "should be a domain with at least two segments separated by dots"))
    problems += _labels(path, rest, names.is_dns_subdomain)
    return problems + ([errors.too_long(path, MAX_SIGNER)] if len(name) > MAX_SIGNER else [])


def _labels(path: str, text: str, check: Callable[[str], list[str]]) -> list[FieldError]:
    """Of the first part between dots that is wrong."""
    for label in text.split("."):
        if wrong := check(label):
            return [errors.invalid_value(path, text, f"validating label {errors.shown(label)}: {message}") for message in wrong]
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
    if not given:
        wrong = ['ClusterTrustBundle without signer name must not have ":" in its name'] if ":" in name else names.is_dns_subdomain(name)
        return [errors.invalid_value("metadata.name", name, message) for message in wrong]
    prefix = f"{given.replace('/', ':')}:"
    wrong = names.is_dns_subdomain(name.removeprefix(prefix))
    if not name.startswith(prefix):
        wrong = [f"ClusterTrustBundle for signerName {given} must be named with prefix {prefix}"]
    return [errors.invalid_value("metadata.name", name, message) for message in wrong] + signer("spec.signerName", given)


def _anchors(text: str) -> list[FieldError]:
    """Certificates of authorities, each once, and nothing else, in PEM."""
    path = "spec.trustBundle"
    if len(text.encode()) > MAX_BUNDLE_BYTES:
        return [errors.too_long(path, MAX_BUNDLE_BYTES)]
    places: dict[str, list[int]] = {}
    wrong = []
    for index, block in enumerate(_BLOCK.finditer(text)):
        message = _no_anchor(block)
        wrong += [f"entry {index} {message}"] if message else []
        places.setdefault("".join(block[2].split()), []).append(index)
    if not wrong:
        twice = (found for found in places.values() if len(found) > 1)
        wrong = [f"duplicate trust anchor (indices [{' '.join(map(str, found))}])" for found in twice]
        wrong += [] if places else ["at least one trust anchor must be provided"]
    return [errors.invalid_value(path, "<value omitted>", message) for message in wrong]


def _no_anchor(block: re.Match[str]) -> str:
    from cryptography import x509

    if block[1] != "CERTIFICATE":
        return f"has bad block type: {block[1]}"
    if ":" in block[2]:
        return "has PEM block headers"
    try:
        found = x509.load_pem_x509_certificate(block[0].encode())
        is_authority = found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except ValueError:
        return "does not parse as X.509"
    except x509.ExtensionNotFound:
        is_authority = False
    return "" if is_authority else "does not have the CA bit set"


def update(new: Any, old: Any) -> list[FieldError]:
    if type(new).KIND != "ClusterTrustBundle":
        return []
    problems = _anchors(new.spec.trust_bundle or "") if new.spec.trust_bundle != old.spec.trust_bundle else []
    return problems + checks.unchanged("spec.signerName", new.spec.signer_name, old.spec.signer_name)


def status(new: Any, old: Any) -> list[FieldError]:
    """Who signs sets the certificate once, and decides nothing."""
    if type(new).KIND != "CertificateSigningRequest":
        return []
    mine, before = new.status.certificate, old.status.certificate
    problems = _conditions(new, old)
    if mine != before and not _unusable(before):
        wrong = _unusable(mine)
        problems += [errors.invalid_value("status.certificate", "<certificate data>", wrong)] if wrong else []
    problems += _kept(new, old, may_decide=False)
    if before and mine != before:
        problems.append(errors.forbidden_field("status.certificate", "updates may not modify existing certificate content"))
    return problems


def _unusable(certificate: str | None) -> str:
    """What is wrong with an issued certificate: it is one at least, and nothing else, in PEM."""
    from cryptography import x509

    if not certificate:
        return ""
    blocks = list(_BLOCK.finditer(base64.b64decode(certificate).decode(errors="replace")))
    for block in blocks:
        if block[1] != "CERTIFICATE":
            return f"only CERTIFICATE PEM blocks are allowed, found {errors.shown(block[1])}"
        if ":" in block[2]:
            return "no PEM block headers are permitted"
        try:
            x509.load_pem_x509_certificate(block[0].encode())
        except ValueError:
            return "must contain certificates that can be parsed"
    return "" if blocks else "must contain at least one CERTIFICATE PEM block"


def approval(new: Any, old: Any) -> list[FieldError]:
    """Who approves or denies says so once."""
    return _conditions(new, old) + _kept(new, old, may_decide=True)


def _conditions(new: Any, old: Any) -> list[FieldError]:
    """What is wrong with the conditions, and was not before."""
    before = _wrong_conditions(old)
    return [problem for problem in _wrong_conditions(new) if problem not in before]


def _wrong_conditions(obj: Any) -> list[FieldError]:
    path, problems = "status.conditions", []
    seen = Once()
    types = [c.type for c in obj.status.conditions or ()]
    for index, found in enumerate(obj.status.conditions or ()):
        where = f"{path}[{index}]"
        problems += needed(f"{where}.type", found.type)
        allowed = ("True",) if found.type in (*DECISIONS, "Failed") else ("False", "True", "Unknown")
        problems += checks.one_of(f"{where}.status", found.status, allowed)
        other = next((d for d in DECISIONS if d != found.type), "")
        if found.type in DECISIONS and other in types[:index]:
            problems.append(errors.invalid_value(path, found.type, "Approved and Denied conditions are mutually exclusive"))
        problems += seen.add(f"{where}.type", found.type or "")
    return problems


def _kept(new: Any, old: Any, *, may_decide: bool) -> list[FieldError]:
    path = "status.conditions"
    removed, others = [], []
    for kind in (*DECISIONS, "Failed"):
        mine, before = ([c for c in obj.status.conditions or () if c.type == kind] for obj in (new, old))
        said = f'a condition of type "{kind}"'
        if len(mine) < len(before):
            removed.append(errors.forbidden_field(path, f"updates may not remove {said}"))
        elif may_decide or kind not in DECISIONS:
            continue
        elif len(mine) > len(before):
            others.append(errors.forbidden_field(path, f"updates may not add {said}"))
        else:
            told = "".join(differences(was, is_) for was, is_ in zip(before, mine, strict=True) if _said(was) != _said(is_))
            others += [errors.forbidden_field(path, f"updates may not modify {said}\n{told}")] if told else []
    return removed + others


def _said(condition: Any) -> tuple[str | None, ...]:
    return condition.status, condition.reason, condition.message
