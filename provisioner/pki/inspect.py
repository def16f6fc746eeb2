"""Reading a certificate back: what it says, how long it lasts, and whether it still is what a leaf asks for."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from provisioner.pki.profile import Leaf, Usage


@dataclass(frozen=True)
class Report:
    """One certificate for people. `days_left` is negative when it is over."""

    subject: str
    issuer: str
    serial: str
    not_after: datetime.datetime
    days_left: int


def report(certificate: x509.Certificate, *, now: datetime.datetime) -> Report:
    return Report(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        not_after=certificate.not_valid_after_utc,
        days_left=(certificate.not_valid_after_utc - now).days,
    )


def load(data: bytes) -> x509.Certificate:
    """The first certificate of a PEM file, or one in DER. Raises ValueError."""
    if data.lstrip().startswith(b"-----"):
        return x509.load_pem_x509_certificate(data)
    return x509.load_der_x509_certificate(data)


def differences(certificate: x509.Certificate, leaf: Leaf, authority: x509.Certificate) -> list[str]:
    """Why the certificate isn't what the leaf asks for; empty when it is. Doesn't look at dates."""
    found = []
    if _attribute(certificate, NameOID.COMMON_NAME) != leaf.common_name:
        found.append(f"common name {_attribute(certificate, NameOID.COMMON_NAME)!r}, wanted {leaf.common_name!r}")
    if _attribute(certificate, NameOID.ORGANIZATION_NAME) != leaf.organization:
        found.append(f"organization {_attribute(certificate, NameOID.ORGANIZATION_NAME)!r}, wanted {leaf.organization!r}")
    dns_names, addresses = alternative_names(certificate)
    missing = sorted((set(leaf.dns_names) | set(leaf.addresses)) - set(dns_names) - set(addresses))
    extra = sorted((set(dns_names) | set(addresses)) - set(leaf.dns_names) - set(leaf.addresses))
    if missing:
        found.append(f"lacks {', '.join(missing)}")
    if extra:
        found.append(f"no longer answers to {', '.join(extra)}")
    if _usage(certificate) != leaf.usage:
        found.append("other usages")
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - the library raises several kinds; each means the same here
        found.append("signed by another authority")
    return found


def alternative_names(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(DNS names, addresses), sorted."""
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return (), ()
    assert isinstance(extension, x509.SubjectAlternativeName)
    names = extension.get_values_for_type(x509.DNSName)
    addresses = extension.get_values_for_type(x509.IPAddress)
    return tuple(sorted(names)), tuple(sorted(str(a) for a in addresses))


def _attribute(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _usage(certificate: x509.Certificate) -> Usage:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
    except x509.ExtensionNotFound:
        return Usage(0)
    assert isinstance(extension, x509.ExtendedKeyUsage)
    usage = Usage(0)
    if ExtendedKeyUsageOID.SERVER_AUTH in extension:
        usage |= Usage.SERVER
    if ExtendedKeyUsageOID.CLIENT_AUTH in extension:
        usage |= Usage.CLIENT
    return usage
