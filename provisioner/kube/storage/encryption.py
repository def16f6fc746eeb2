"""Encryption at rest: what etcd gets to see of objects. Values are sealed by a resource's first provider, and opened by whichever sealed them.

A sealed value begins with `k8s:enc:<provider>:v1:<key name>:`, as upstream's; plain ones begin with JSON (or with a place, see `versions`).
The watch cache holds plain text. Source: "Encrypting Confidential Data at Rest".
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# Everything lies under this; keys are <root><group or core>/<plural>/[<namespace>/]<name>.
ROOT = b"/registry/"
PREFIX = b"k8s:enc:"
# Keys under this are the server's own and never sealed.
INTERNAL = "provision/"


class Unreadable(ValueError):
    """A value that no configured provider opens: its key is not configured, or it was tampered with."""


class Provider(Protocol):
    """`prefix` marks what it has sealed."""

    prefix: bytes

    def seal(self, key: bytes, plain: bytes) -> bytes: ...
    def open(self, key: bytes, sealed: bytes) -> bytes: ...


class Identity:
    """Plain text."""

    prefix = b""

    def seal(self, key: bytes, plain: bytes) -> bytes:
        return plain

    def open(self, key: bytes, sealed: bytes) -> bytes:
        if sealed.startswith(PREFIX):
            raise Unreadable("the value is encrypted, and no configured provider has its key")
        return sealed


class AesGcm:
    """AES in GCM (NIST SP 800-38D) with a random nonce; the etcd key is authenticated with it, so values can't be moved about."""

    NONCE_BYTES = 12

    def __init__(self, name: str, secret: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.prefix = PREFIX + f"aesgcm:v1:{name}:".encode()
        self._cipher = AESGCM(secret)

    def seal(self, key: bytes, plain: bytes) -> bytes:
        nonce = os.urandom(self.NONCE_BYTES)
        return self.prefix + nonce + self._cipher.encrypt(nonce, plain, key)

    def open(self, key: bytes, sealed: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        body = sealed[len(self.prefix) :]
        try:
            return bytes(self._cipher.decrypt(body[: self.NONCE_BYTES], body[self.NONCE_BYTES :], key))
        except (InvalidTag, ValueError):
            raise Unreadable("the value does not fit its key") from None


class AesCbc:
    """AES in CBC with PKCS #7 padding: for what is stored so already; GCM and secretbox also notice tampering."""

    BLOCK_BYTES = 16

    def __init__(self, name: str, secret: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.algorithms import AES

        self.prefix = PREFIX + f"aescbc:v1:{name}:".encode()
        self._algorithm = AES(secret)

    def _cipher(self, vector: bytes) -> Any:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        return Cipher(self._algorithm, CBC(vector))

    def seal(self, key: bytes, plain: bytes) -> bytes:
        vector = os.urandom(self.BLOCK_BYTES)
        count = self.BLOCK_BYTES - len(plain) % self.BLOCK_BYTES
        encryptor = self._cipher(vector).encryptor()
        return bytes(self.prefix + vector + encryptor.update(plain + bytes([count]) * count) + encryptor.finalize())

    def open(self, key: bytes, sealed: bytes) -> bytes:
        body = sealed[len(self.prefix) :]
        try:
            decryptor = self._cipher(body[: self.BLOCK_BYTES]).decryptor()
            padded = decryptor.update(body[self.BLOCK_BYTES :]) + decryptor.finalize()
        except ValueError:
            raise Unreadable("the value does not fit its key") from None
        count = padded[-1] if padded else 0
        if not 1 <= count <= self.BLOCK_BYTES or padded[-count:] != bytes([count]) * count:
            raise Unreadable("the value does not fit its key")
        return bytes(padded[:-count])


class SecretBox:
    """XSalsa20 and Poly1305 (NaCl's secretbox) with a random nonce."""

    def __init__(self, name: str, secret: bytes) -> None:
        from nacl.secret import SecretBox as Box

        self.prefix = PREFIX + f"secretbox:v1:{name}:".encode()
        self._box = Box(secret)

    def seal(self, key: bytes, plain: bytes) -> bytes:
        return self.prefix + bytes(self._box.encrypt(plain))

    def open(self, key: bytes, sealed: bytes) -> bytes:
        from nacl.exceptions import CryptoError

        try:
            return bytes(self._box.decrypt(sealed[len(self.prefix) :]))
        except (CryptoError, ValueError):
            raise Unreadable("the value does not fit its key") from None


PROVIDERS: Mapping[str, type[Any]] = {"aesgcm": AesGcm, "aescbc": AesCbc, "secretbox": SecretBox}


@dataclass(frozen=True, slots=True)
class Rule:
    """Resources as `plural` or `plural.group`, `*.group`, `*.` (core) or `*.*`; the first rule that names a resource is its rule."""

    resources: tuple[str, ...]
    providers: tuple[Provider, ...]


_PLAIN = Rule((), (Identity(),))


class Vault:
    """Seals and opens values by their etcd key. `rules` may be replaced while it is in use: what is read is opened by the new ones."""

    def __init__(self, root: bytes, rules: Sequence[Rule] = ()) -> None:
        self._root = root
        self.replace(rules)

    def replace(self, rules: Sequence[Rule]) -> None:
        self._rules, self._by_resource = tuple(rules), dict[bytes, Rule]()

    @property
    def is_plain(self) -> bool:
        return not self._rules

    def seal(self, key: bytes, plain: bytes) -> bytes:
        if not self._rules:
            return plain
        return self._rule(key).providers[0].seal(key, plain)

    def open(self, key: bytes, value: bytes) -> tuple[bytes, bool]:
        """(plain text, whether it should be sealed anew: not by the first provider). Raises Unreadable."""
        if not self._rules and not value.startswith(PREFIX):
            return value, False
        providers = self._rule(key).providers
        for place, provider in enumerate(providers):
            if provider.prefix and value.startswith(provider.prefix):
                return provider.open(key, value), place > 0
        for place, provider in enumerate(providers):
            if not provider.prefix:
                return provider.open(key, value), place > 0
        raise Unreadable("the value is not encrypted, and the provider identity is not configured for its resource")

    def _rule(self, key: bytes) -> Rule:
        group, _, rest = key[len(self._root) :].partition(b"/")
        plural = rest.partition(b"/")[0]
        found = self._by_resource.get(group + b"/" + plural)
        if found is None:
            resource = f"{group.decode()}/{plural.decode()}"
            found = self._by_resource[group + b"/" + plural] = rule_of(self._rules, resource)
        return found


def rule_of(rules: Sequence[Rule], resource: str) -> Rule:
    """The rule of `group/plural` ("core" for the core group); plain text where none speaks of it."""
    if resource.startswith(INTERNAL):
        return _PLAIN
    group, _, plural = resource.partition("/")
    group = "" if group == "core" else group
    names = {f"{plural}.{group}" if group else plural, f"{plural}.{group}", f"*.{group}", "*.*"}
    return next((rule for rule in rules if any(name in names for name in rule.resources)), _PLAIN)
