"""Filters that hash: checksums, and crypt(3) passwords by the published SHA-crypt scheme."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import re
import secrets
import string
import threading
from collections.abc import Callable
from typing import Any

from provisioner.templating.errors import PluginError
from provisioner.templating.values import Vaulted
from provisioner.templating.vault import HEADER, VaultError, VaultSecrets

_ALPHABET = "./" + string.digits + string.ascii_uppercase + string.ascii_lowercase
_BCRYPT = "./" + string.ascii_uppercase + string.ascii_lowercase + string.digits
_ROUNDS = 5000  # the scheme's default, which is left out of the result
_USUAL_ROUNDS = {"sha512": 656_000, "sha256": 535_000}  # what Ansible's documented library takes when none are given
# The order in which the digest's bytes are written, by the scheme.
_ORDER_512 = [
    (0, 21, 42), (22, 43, 1), (44, 2, 23), (3, 24, 45), (25, 46, 4), (47, 5, 26), (6, 27, 48), (28, 49, 7), (50, 8, 29), (9, 30, 51),
    (31, 52, 10), (53, 11, 32), (12, 33, 54), (34, 55, 13), (56, 14, 35), (15, 36, 57), (37, 58, 16), (59, 17, 38), (18, 39, 60),
    (40, 61, 19), (62, 20, 41),
]  # fmt: skip
_ORDER_256 = [
    (0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14), (15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29),
]  # fmt: skip


def digest(value: Any, hashtype: str = "sha1") -> str:
    try:
        algorithm = hashlib.new(hashtype)
    except ValueError as e:
        raise PluginError(str(e)) from e
    algorithm.update(value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape"))
    return algorithm.hexdigest()


def _encode24(a: int, b: int, c: int, count: int) -> str:
    value = (a << 16) | (b << 8) | c
    return "".join(_ALPHABET[(value >> (6 * i)) & 63] for i in range(count))


def _stretch(data: bytes, length: int) -> bytes:
    return (data * (length // len(data) + 1))[:length] if data else b""


def sha_crypt(password: bytes, salt: str, rounds: int, name: str) -> str:
    """The SHA-crypt scheme (Drepper, 2007) for `sha256` and `sha512`."""
    new = hashlib.sha512 if name == "sha512" else hashlib.sha256
    raw_salt = salt.encode()
    size = new().digest_size
    b = new(password + raw_salt + password).digest()
    a = password + raw_salt + _stretch(b, len(password))
    bits = len(password)
    while bits:
        a += b if bits & 1 else password
        bits >>= 1
    current = new(a).digest()
    p = _stretch(new(password * len(password)).digest(), len(password))
    s = _stretch(new(raw_salt * (16 + current[0])).digest(), len(raw_salt))
    for i in range(rounds):
        step = p if i & 1 else current
        if i % 3:
            step += s
        if i % 7:
            step += p
        step += current if i & 1 else p
        current = new(step).digest()
    order = _ORDER_512 if size == 64 else _ORDER_256
    text = "".join(_encode24(current[x], current[y], current[z], 4) for x, y, z in order)
    text += _encode24(0, 0, current[63], 2) if size == 64 else _encode24(0, current[31], current[30], 3)
    shown = "" if rounds == _ROUNDS else f"rounds={rounds}$"
    return f"${'6' if size == 64 else '5'}${shown}{salt}${text}"


_crypt_lock = threading.Lock()


@functools.cache
def _crypt() -> Any:
    """The C library's crypt(3), a hundred times as fast as the same in Python; None where there is none."""
    for name in ("libcrypt.so.1", "libcrypt.so.2"):
        try:
            function = ctypes.CDLL(name).crypt
        except (OSError, AttributeError):
            continue
        function.restype = ctypes.c_char_p
        function.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
        return function
    return None


def _by_library(password: bytes, settings: str) -> str | None:
    function = _crypt()
    if function is None or b"\0" in password:
        return None
    with _crypt_lock:  # crypt(3) answers in one buffer for all threads
        found = function(password, settings.encode())
    text = found.decode() if found else ""
    return text if text.startswith(settings) else None


def _sha_hash(secret: bytes, salt: str, rounds: int, name: str) -> str:
    shown = "" if rounds == _ROUNDS else f"rounds={rounds}$"
    return _by_library(secret, f"${'6' if name == 'sha512' else '5'}${shown}{salt}$") or sha_crypt(secret, salt, rounds, name)


def _padded(salt: str) -> str:
    """A salt of bcrypt with the bits cleared that do not count."""
    last = _BCRYPT.find(salt[-1])
    return salt[:-1] + _BCRYPT[last & 0b110000] if len(salt) == 22 and last >= 0 else salt


def password_hash(
    password: Any,
    hashtype: str = "sha512",
    salt: str | None = None,
    salt_size: int | None = None,
    rounds: int | None = None,
    ident: Any = None,
) -> str:
    if not isinstance(password, str | bytes):
        raise PluginError(f"secret must be unicode or bytes, not {type(password).__name__}")
    secret = password if isinstance(password, bytes) else password.encode()
    if hashtype in ("sha512", "sha256", "sha512_crypt", "sha256_crypt"):
        chosen = salt or "".join(secrets.choice(_ALPHABET) for _ in range(salt_size or 16))
        if not re.fullmatch(r"[./0-9A-Za-z]{0,16}", chosen):
            kind = hashtype if hashtype.endswith("_crypt") else f"{hashtype}_crypt"
            wrong = "invalid characters in" if len(chosen) <= 16 else "salt too large (at most 16):"
            raise PluginError(f"Could not hash the secret: {wrong} {kind} salt")
        name = hashtype.removesuffix("_crypt")
        return _sha_hash(secret, chosen, min(max(rounds or _USUAL_ROUNDS[name], 1000), 999_999_999), name)
    if hashtype in ("md5", "md5_crypt"):
        made = _by_library(secret, f"$1${salt or ''.join(secrets.choice(_ALPHABET) for _ in range(salt_size or 8))}$")
        if made is not None:
            return made
    if hashtype in ("bcrypt", "blowfish"):
        import bcrypt

        prefix = f"${ident or '2b'}${rounds or 12:02d}$".encode()
        # Of 22 letters of six bits each, the last one counts two bits: others of it are another way to write the same salt.
        settings = prefix + _padded(salt).encode() if salt else prefix + bcrypt.gensalt(4)[7:]
        return bcrypt.hashpw(secret, settings).decode()
    raise PluginError(f"{hashtype} is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512")


def encrypt(text: Any, secret: Any, salt: str | None = None, vault_id: str = "filter_default", wrap_object: bool = False) -> str:
    """A text as an envelope of Ansible's vault. A given salt makes it the same each time."""
    for what, value in (
        ("Secret passed is required to be a string, instead we got", secret),
        ("Can only vault strings, instead we got", text),
    ):
        if not isinstance(value, str):
            raise PluginError(f"{what} {type(value)}.")
    own = VaultSecrets({vault_id: secret.encode()})
    return own.encrypt(text.encode(errors="surrogateescape"), vault_id, salt=salt.encode() if salt else None).decode()


def decrypt(envelope: Any, secret: Any, vault_id: str = "filter_default") -> Any:
    """What is inside an envelope; other text as it is."""
    for what, value in (
        ("Secret passed is required to be as string, instead we got", secret),
        ("Vault should be in the form of a string, instead we got", envelope),
    ):
        if not isinstance(value, str):
            raise PluginError(f"{what} {type(value)}.")
    if isinstance(envelope, Vaulted) or not envelope.encode().startswith(HEADER):
        return envelope
    try:
        return VaultSecrets({vault_id: secret.encode()}).decrypt(envelope.encode()).decode(errors="surrogateescape")
    except VaultError:
        raise PluginError("Unable to decrypt: Decryption failed (no vault secrets were found that could decrypt).") from None


FILTERS: dict[str, Callable[..., Any]] = {
    "vault": encrypt,
    "unvault": decrypt,
    "hash": digest,
    "sha1": digest,
    "checksum": digest,
    "md5": lambda value: digest(value, "md5"),
    "password_hash": password_hash,
}
