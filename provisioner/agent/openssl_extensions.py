"""Extensions of requests that openssl's configuration has no plain words for: an authority's key (RFC 5280 4.2.1.1), where revocations are."""

import ipaddress
import re
from typing import Any, Dict, List, Tuple

from provisioner.agent.context import ModuleFailed

# Tags of GeneralName (RFC 5280 4.2.1.6).
_EMAIL, _DNS, _URI, _ADDRESS = 0x81, 0x82, 0x86, 0x87
_REASONS = {
    "key_compromise": "keyCompromise", "ca_compromise": "CACompromise", "affiliation_changed": "affiliationChanged", "superseded": "superseded",
    "cessation_of_operation": "cessationOfOperation", "certificate_hold": "certificateHold", "privilege_withdrawn": "privilegeWithdrawn",
    "aa_compromise": "AACompromise",
}  # fmt: skip
POINT: Dict[str, Any] = {
    "full_name": {"type": "list", "elements": "str"},
    "relative_name": {"type": "list", "elements": "str"},
    "crl_issuer": {"type": "list", "elements": "str"},
    "reasons": {"type": "list", "elements": "str", "choices": list(_REASONS)},
    "_rules": {"mutually_exclusive": [("full_name", "relative_name")], "required_one_of": [("full_name", "relative_name", "crl_issuer")]},
}


def _encoded(tag: int, content: bytes) -> bytes:
    """DER: tag, length, content."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def _general_name(name: str, option: str) -> bytes:
    kind, colon, value = name.partition(":")
    tags = {"email": _EMAIL, "dns": _DNS, "uri": _URI}
    if colon and kind.lower() in tags:
        return _encoded(tags[kind.lower()], value.encode())
    if colon and kind.lower() == "ip":
        try:
            return _encoded(_ADDRESS, ipaddress.ip_address(value).packed)
        except ValueError:
            raise ModuleFailed('Cannot parse %s "%s": %s is no IP address' % (option, name, value))
    raise ModuleFailed('Cannot parse %s "%s": expected DNS:, IP:, URI: or email:' % (option, name))


def escaped(text: str) -> str:
    """As a value in openssl's configuration."""
    return re.sub(r"([\\$#\"'])", r"\\\1", text)


def general_names(names: List[str], label: str) -> Tuple[List[str], List[str]]:
    """(names as openssl's configuration has them, sections): one that is a subject (`dirName:CN=a,O=b`) has a section, named after `label`."""
    told, sections = [], []
    for number, name in enumerate(names):
        kind, _, value = name.partition(":")
        if kind.lower() == "dirname":
            name = "dirName:%s%d" % (label, number)
            sections += ["[%s%d]" % (label, number), *_subject(value)]
        told.append(name)
    return told, sections


def _subject(text: str) -> List[str]:
    """The lines of a section for CN=a,O=b or /CN=a/O=b, where a backslash hides a separator; the last comes first (RFC 4514 2.1)."""
    parts = re.split(r"(?<!\\)/" if text.startswith("/") else r"(?<!\\),", text.lstrip("/"))
    pairs = [part.strip().partition("=") for part in reversed(parts)]
    return ["%d.%s = %s" % (number, key, escaped(re.sub(r"\\(.)", r"\1", value))) for number, (key, _, value) in enumerate(pairs)]


def authority_key(args: Dict[str, Any]) -> List[str]:
    """The line for the authority's key. Raises ModuleFailed."""
    content = b""
    if args["authority_key_identifier"] is not None:
        try:
            content += _encoded(0x80, bytes.fromhex(args["authority_key_identifier"].replace(":", "")))
        except ValueError:
            raise ModuleFailed('Cannot parse authority_key_identifier: "%s" is not hexadecimal' % args["authority_key_identifier"])
    if args["authority_cert_issuer"] is not None:
        names = b"".join(_general_name(name, "authority_cert_issuer") for name in args["authority_cert_issuer"])
        number = args["authority_cert_serial_number"]
        # One bit more than the number has: its first says whether it is negative.
        content += _encoded(0xA1, names) + _encoded(0x82, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))
    return ["authorityKeyIdentifier = DER:%s" % _encoded(0x30, content).hex()] if content else []


def distribution_points(points: List[Dict[str, Any]]) -> Tuple[List[str], List[str]]:
    """(line, sections) for where revocation lists are."""
    sections: List[str] = []
    more: List[str] = []
    for at, point in enumerate(points):
        sections.append("[crl%d]" % at)
        for option, key in (("full_name", "fullname"), ("crl_issuer", "CRLissuer")):
            if point.get(option):
                names, subjects = general_names(point[option], "crl%d%s" % (at, key))
                sections.append("%s = %s" % (key, ",".join(names)))
                more += subjects
        if point.get("reasons"):
            sections.append("reasons = %s" % ",".join(_REASONS[reason] for reason in point["reasons"]))
        if point.get("relative_name"):
            pairs = [part.lstrip("/").partition("=") for part in point["relative_name"]]
            sections += ["relativename = crl%dname" % at, "[crl%dname]" % at]
            sections += ["%d.%s = %s" % (number, key, value) for number, (key, _, value) in enumerate(pairs)]
    return ["crlDistributionPoints = %s" % ",".join("crl%d" % at for at in range(len(points)))] if points else [], sections + more
