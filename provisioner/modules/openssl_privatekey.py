"""openssl_privatekey: a private key of a type and size, made by the host's openssl, and made again only when it must be."""

import os
from typing import Any, Dict, Optional

from provisioner.agent import attributes, openssl
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = dict(
    attributes.FILE_ARGUMENTS,
    path={"type": "path", "required": True},
    state={"default": "present", "choices": ["absent", "present"]},
    size={"type": "int", "default": 4096},
    type={"default": "RSA", "choices": ["DSA", "ECC", "Ed25519", "Ed448", "RSA", "X25519", "X448"]},
    curve={
        "choices": [
            "secp224r1", "secp256k1", "secp256r1", "secp384r1", "secp521r1", "secp192r1", "brainpoolP256r1", "brainpoolP384r1",
            "brainpoolP512r1", "sect163k1", "sect163r2", "sect233k1", "sect233r1", "sect283k1", "sect283r1", "sect409k1", "sect409r1",
            "sect571k1", "sect571r1",
        ]
    },
    passphrase={"no_log": True},
    cipher={"default": "auto"},
    format={"default": "auto_ignore", "choices": ["pkcs1", "pkcs8", "raw", "auto", "auto_ignore"]},
    format_mismatch={"default": "regenerate", "choices": ["regenerate", "convert"]},
    force={"type": "bool", "default": False},
    backup={"type": "bool", "default": False},
    regenerate={"default": "full_idempotence", "choices": ["never", "fail", "partial_idempotence", "full_idempotence", "always"]},
    return_content={"type": "bool", "default": False},
    select_crypto_backend={"default": "auto", "choices": ["auto", "cryptography"]},
    _rules={"required_if": [["type", "ECC", ["curve"]]]},
)  # fmt: skip


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    result: Dict[str, Any] = {"changed": False, "filename": args["path"], "type": args["type"], "size": args["size"]}
    if args["type"] == "ECC":
        result["curve"] = args["curve"]
    if args["state"] == "absent":
        return openssl.remove(args, dict(result, fingerprint=None), context)
    there = _there(args["path"])
    key = None
    if there is None or args["force"] or _must_be_new(args, there, context):
        key = _generated(args, context)
    elif not _of_format(args, there):
        key = _written(args, there, context) if args["format_mismatch"] == "convert" else _generated(args, context)
    openssl.place(args, key, result, context, default_mode="0600")
    current = key if key is not None and not context.check else there
    result["fingerprint"] = None
    if current is not None:
        result["fingerprint"] = openssl.fingerprints(openssl.public_key(context, current, args["passphrase"]))
        if args["return_content"]:
            result["privatekey"] = current.decode()
    return result


def _there(path: str) -> Optional[bytes]:
    if not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def _must_be_new(args: Dict[str, Any], there: bytes, context: Context) -> bool:
    """By `regenerate`: whether what is there is thrown away. Raises ModuleFailed where it may not be."""
    rule = args["regenerate"]
    if rule == "always":
        return True
    if rule == "never":
        return False
    try:
        found = openssl.key_facts(context, there, args["passphrase"])
        if args["passphrase"] is None or b"ENCRYPTED" in there:
            right = _is_wanted(args, found)
        else:
            raise openssl.BadKey("the key has no passphrase")
    except openssl.BadKey:
        if rule in ("full_idempotence",):
            return True
        raise ModuleFailed(
            "Unable to read the key. The key is protected with a another passphrase / no passphrase or broken."
            " Will not proceed. To force regeneration, call the module with `generate` set to `full_idempotence` or `always`,"
            " or with `force=true`."
        )
    if right:
        return False
    if rule in ("partial_idempotence", "full_idempotence"):
        return True
    raise ModuleFailed(
        "Key has wrong type and/or size. Will not proceed. To force regeneration, call the module with `generate` set to"
        " `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`."
    )


def _is_wanted(args: Dict[str, Any], found: openssl.KeyFacts) -> bool:
    if found.kind != args["type"]:
        return False
    if found.kind in ("RSA", "DSA"):
        return bool(found.size == args["size"])
    return found.kind != "ECC" or found.curve in (args["curve"], openssl.CURVES.get(args["curve"], ""))


def _of_format(args: Dict[str, Any], key: bytes) -> bool:
    wanted = args["format"]
    if wanted in ("auto_ignore", "raw"):
        return True
    is_pkcs8 = b"BEGIN PRIVATE KEY" in key or b"BEGIN ENCRYPTED PRIVATE KEY" in key
    return is_pkcs8 == (wanted == "pkcs8" or (wanted == "auto" and args["type"] not in ("RSA", "DSA", "ECC")))


def _generated(args: Dict[str, Any], context: Context) -> bytes:
    kind = args["type"]
    if kind == "RSA":
        words = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:%d" % args["size"]]
    elif kind == "ECC":
        curve = openssl.CURVES.get(args["curve"], args["curve"])
        words = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:%s" % curve, "-pkeyopt", "ec_param_enc:named_curve"]
    elif kind == "DSA":
        words = ["gendsa", "-"]
    else:
        words = ["genpkey", "-algorithm", kind]
    parameters = None
    if kind == "DSA":
        parameters = openssl.made(context, ["dsaparam", str(args["size"])], "Cannot generate DSA parameters").encode()
        words = ["gendsa", "/dev/stdin"]
    return _written(args, openssl.made(context, words, "Cannot generate the private key", parameters).encode(), context)


def _written(args: Dict[str, Any], key: bytes, context: Context) -> bytes:
    """The key in its format: pkcs1 (what openssl calls traditional) or pkcs8, encrypted where there is a passphrase."""
    form = args["format"]
    traditional = form == "pkcs1" or (form in ("auto", "auto_ignore") and args["type"] in ("RSA", "DSA", "ECC"))
    words = ["pkey", "-passin", "env:" + openssl.SECRET]
    if args["passphrase"] is not None:
        cipher = "aes256" if args["cipher"] == "auto" else args["cipher"]
        words += ["-" + cipher, "-passout", "env:" + openssl.SECRET]
    if traditional:
        words.append("-traditional")
    return openssl.made(context, words, "Cannot write the private key", key, args["passphrase"]).encode()
