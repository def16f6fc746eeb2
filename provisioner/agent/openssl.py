"""What the openssl_* and x509_certificate modules share: the `openssl` program, keys as it sees them, and files of theirs put into place."""

import hashlib
import os
import re
import tempfile
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed

# OpenSSL's names of curves, by those that Ansible documents.
CURVES = {"secp256r1": "prime256v1", "secp192r1": "prime192v1"}
_TYPES = {"ED25519": "Ed25519", "ED448": "Ed448", "X25519": "X25519", "X448": "X448"}
_DIGESTS = ("blake2b", "blake2s", "md5", "sha1", "sha224", "sha256", "sha384", "sha3_224", "sha3_256", "sha3_384", "sha3_512", "sha512",
            "shake_128", "shake_256")  # fmt: skip
# What requests and certificates may be signed with (community.crypto).
DIGESTS = frozenset({"md5", "sha1", "sha256", "sha384", "sha512"})
SECRET = "PROVISION_PASSPHRASE"


class KeyFacts(NamedTuple):
    """`size` in bits; `curve` under OpenSSL's name, None for keys of no curve's choice."""

    kind: str
    size: int
    curve: Optional[str]


class BadKey(Exception):
    """What is there is no private key, or not one of this passphrase."""


def run(context: Context, words: List[str], data: Optional[bytes] = None, passphrase: Optional[str] = None) -> Tuple[int, str, str]:
    """openssl with these words. Passphrases go by the environment: they stand in no command line."""
    return context.run([context.which("openssl"), *words], data=data, env={SECRET: passphrase or ""})


def made(context: Context, words: List[str], what: str, data: Optional[bytes] = None, passphrase: Optional[str] = None) -> str:
    code, out, err = run(context, words, data, passphrase)
    if code != 0:
        raise ModuleFailed("%s: %s" % (what, err.strip() or out.strip()))
    return out


def key_text(args: Dict[str, Any], prefix: str = "privatekey") -> bytes:
    """A private key given by path or content. Raises ModuleFailed."""
    path, content = args[prefix + "_path"], args[prefix + "_content"]
    if content is not None:
        return str(content).encode()
    found = read(path) if path else None
    if found is None:
        raise ModuleFailed("The %sprivate key file %s does not exist" % ("CA " if prefix.startswith("ownca") else "", path))
    return found


def key_facts(context: Context, key: bytes, passphrase: Optional[str]) -> KeyFacts:
    """Raises BadKey."""
    if passphrase is not None and b"ENCRYPTED" not in key:
        raise BadKey("the key has no passphrase")
    code, out, err = run(context, ["pkey", "-noout", "-text", "-passin", "env:" + SECRET], key, passphrase)
    if code != 0:
        raise BadKey(err.strip())
    first = out.splitlines()[0] if out else ""
    bits = re.search(r"\((\d+) bit", first)
    curve = re.search(r"ASN1 OID: (\S+)", out)
    for word, kind in _TYPES.items():
        if first.upper().startswith(word):
            return KeyFacts(kind, {"Ed25519": 256, "X25519": 256, "Ed448": 456, "X448": 448}[kind], None)
    if curve:
        return KeyFacts("ECC", int(bits.group(1)) if bits else 0, curve.group(1))
    return KeyFacts("DSA" if "pub:" in out and "modulus" not in out.lower() else "RSA", int(bits.group(1)) if bits else 0, None)


def public_key(context: Context, key: bytes, passphrase: Optional[str]) -> bytes:
    """In DER. Raises ModuleFailed."""
    pem = made(context, ["pkey", "-pubout", "-passin", "env:" + SECRET], "the private key can't be read", key, passphrase)
    return der_of(pem)


def der_of(pem: str) -> bytes:
    import base64

    body = re.search(r"-----BEGIN [^-]+-----(.*?)-----END", pem, re.DOTALL)
    return base64.b64decode(body.group(1)) if body else b""


def fingerprints(data: bytes) -> Dict[str, str]:
    found = {}
    for name in _DIGESTS:
        try:
            made = hashlib.new(name, data)
            # Those that can be any length have 32 bytes, as there.
            text = made.hexdigest(32) if name.startswith("shake") else made.hexdigest()  # type: ignore[call-arg]
        except ValueError:
            continue  # this host forbids it
        found[name] = ":".join(text[at : at + 2] for at in range(0, len(text), 2))
    return found


def check_folder(path: str) -> None:
    """Raises ModuleFailed where there is no folder to put it into."""
    where = os.path.dirname(path) or "."
    if not os.path.isdir(where):
        raise ModuleFailed("The directory %s does not exist or the file is not a directory" % where, name=where)


def read(path: str) -> Optional[bytes]:
    """What is at a path, None where there is nothing. Raises ModuleFailed."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModuleFailed("Error while loading %s - %s" % (path, error))


def place(
    args: Dict[str, Any], content: Optional[bytes], result: Dict[str, Any], context: Context, default_mode: Optional[str] = None
) -> None:
    """Writes new content (None: what is there stays) with backup, owner and mode; notes it in the result."""
    path = args["path"]
    check_folder(path)
    if content is not None:
        result["changed"] = True
        if not context.check:
            if args["backup"] and os.path.exists(path):
                result["backup_file"] = contents.backup(path)
            contents.write(path, content, new_mode=int(default_mode, 8) if default_mode is not None else None)
    wanted = dict(args, mode=args["mode"] if args["mode"] is not None else default_mode)
    if os.path.exists(path):
        result["changed"] = attributes.apply(path, wanted, context) or result["changed"]


def remove(args: Dict[str, Any], result: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = args["path"]
    if os.path.exists(path):
        result["changed"] = True
        if not context.check:
            if args["backup"]:
                result["backup_file"] = contents.backup(path)
            os.unlink(path)
    return result


class Folder:
    """Files for openssl that only we can read, gone at the end."""

    def __enter__(self) -> "Folder":
        self._folder = tempfile.TemporaryDirectory(prefix="provision-")
        return self

    def __exit__(self, *_: Any) -> None:
        self._folder.cleanup()

    def path(self, name: str) -> str:
        return os.path.join(self._folder.name, name)

    def file(self, name: str, content: bytes) -> str:
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)
