"""Private keys as openssl_privatekey tells of them: their format, raw bytes of the curves that have such, and what the diff shows."""

import base64
import re
from typing import Any, Dict, Optional, Tuple

from provisioner.agent import openssl
from provisioner.agent.context import Context, ModuleFailed

# The key's bytes, and what PKCS #8 has before them (RFC 8410).
_RAW: Dict[str, Tuple[int, str]] = {
    "X25519": (32, "302e020100300506032b656e04220420"),
    "Ed25519": (32, "302e020100300506032b657004220420"),
    "X448": (56, "3046020100300506032b656f043a0438"),
    "Ed448": (57, "3047020100300506032b6571043b0439"),
}
# A number in openssl's -text, over lines of hexadecimal digits.
_FIELD = re.compile(r"^(\w+): *((?:\n +[0-9a-f:]+)+)", re.MULTILINE)


def form_of(key: bytes) -> str:
    """pkcs1, pkcs8, raw, or unknown-pem."""
    found = re.search(rb"-----BEGIN ([^-\n]+)-----", key)
    if found is None:
        return "raw"
    if found.group(1) in (b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY"):
        return "pkcs8"
    return "pkcs1" if found.group(1).endswith(b" PRIVATE KEY") else "unknown-pem"


def readable(key: bytes, kind: str) -> bytes:
    """What openssl reads: raw bytes become PEM. Of two types that are as long, the one that is asked for is meant."""
    if form_of(key) != "raw":
        return key
    for name in sorted(_RAW, key=lambda name: name != kind):
        size, before = _RAW[name]
        if len(key) == size:
            body = base64.b64encode(bytes.fromhex(before) + key).decode()
            return ("-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n" % body).encode()
    return key


def raw_of(pem: bytes, kind: str) -> Optional[bytes]:
    """A PKCS #8 key's own bytes; None for a type that has none."""
    if kind not in _RAW:
        return None
    return openssl.der_of(pem.decode())[-_RAW[kind][0] :]


def told(context: Context, key: Optional[bytes], kind: str, passphrase: Optional[str]) -> Dict[str, Any]:
    """A side of the diff: the public half of a key and its numbers; nothing of one that isn't there."""
    if key is None:
        return {}
    try:
        pem = readable(key, kind)
        facts = openssl.key_facts(context, pem, passphrase)
        public = openssl.made(context, ["pkey", "-pubout", "-passin", "env:" + openssl.SECRET], "", pem, passphrase)
        shown = openssl.made(context, ["pkey", "-pubin", "-noout", "-text"], "", public.encode())
    except (openssl.BadKey, ModuleFailed):
        return {"can_parse_key": False, "key_is_consistent": None}
    return {
        "can_parse_key": True,
        "key_is_consistent": None,
        "public_key": public,
        "public_key_fingerprints": {"sha256": openssl.fingerprints(openssl.der_of(public))["sha256"]},
        "type": facts.kind,
        "public_data": _numbers(facts, shown),
    }


def _numbers(facts: openssl.KeyFacts, shown: str) -> Dict[str, Any]:
    fields = {name.lower(): re.sub(r"[\s:]", "", digits) for name, digits in _FIELD.findall(shown)}
    if facts.kind == "RSA":
        exponent = re.search(r"^Exponent: (\d+)", shown, re.MULTILINE)
        return {"size": facts.size, "modulus": int(fields["modulus"], 16), "exponent": int(exponent.group(1)) if exponent else 0}
    if facts.kind == "DSA":
        return dict({name: int(fields[name], 16) for name in "pqg"}, size=facts.size, y=int(fields["pub"], 16))
    if facts.kind == "ECC":
        point = fields["pub"][2:]  # after 04, which says that both coordinates follow
        half = len(point) // 2
        names = {theirs: name for name, theirs in openssl.CURVES.items()}
        curve = names.get(str(facts.curve), facts.curve)
        return {"curve": curve, "x": int(point[:half], 16), "y": int(point[half:], 16), "exponent_size": facts.size}
    return {}
