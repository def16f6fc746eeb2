"""openssl_privatekey: a private key of a type and size, made by the host's openssl, and made again only when it must be."""

import base64
from typing import Any, Dict, Optional

from provisioner.agent import attributes, openssl, openssl_keys
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
    kind, passphrase = args["type"], args["passphrase"]
    result: Dict[str, Any] = {"changed": False, "filename": args["path"], "type": kind, "size": args["size"], "fingerprint": None}
    if kind == "ECC":
        result["curve"] = args["curve"]
    openssl.check_folder(args["path"])
    there = key = current = None
    if args["state"] == "absent":
        openssl.remove(args, result, context)
    else:
        there = openssl.read(args["path"])
        if there is None or args["force"] or _must_be_new(args, there, context):
            key = b"" if context.check else _generated(args, context)
        elif args["format_mismatch"] == "convert" and args["regenerate"] != "never" and not _is_of_format(args, there):
            key = b"" if context.check else _written(args, openssl_keys.readable(there, kind), context)
        openssl.place(args, key, result, context, default_mode="0600")
        current = key or there
    after = openssl_keys.told(context, current, kind, passphrase)
    result["diff"] = {"before": openssl_keys.told(context, there, kind, passphrase), "after": after}
    if "public_key" in after:
        result["fingerprint"] = openssl.fingerprints(openssl.der_of(after["public_key"]))
    if args["return_content"]:
        result["privatekey"] = _content(current)
    return result


def _content(key: Optional[bytes]) -> Optional[str]:
    if key is None:
        return None
    return base64.b64encode(key).decode() if openssl_keys.form_of(key) == "raw" else key.decode()


def _must_be_new(args: Dict[str, Any], there: bytes, context: Context) -> bool:
    """By `regenerate`: whether what is there is thrown away. Raises ModuleFailed where it may not be."""
    rule = args["regenerate"]
    if rule == "always":
        return True
    try:
        found = openssl.key_facts(context, openssl_keys.readable(there, args["type"]), args["passphrase"])
    except openssl.BadKey:
        if rule == "full_idempotence":
            return True
        raise ModuleFailed(
            "Unable to read the key. The key is protected with a another passphrase / no passphrase or broken."
            " Will not proceed. To force regeneration, call the module with `generate` set to `full_idempotence` or `always`,"
            " or with `force=true`."
        )
    if rule == "never":
        return False
    wrong, more = None, ""
    if not _is_wanted(args, found):
        wrong = "type and/or size"
    elif args["format_mismatch"] == "regenerate" and not _is_of_format(args, there):
        wrong, more = "format", " To convert the key, set `format_mismatch` to `convert`."
    if wrong is None:
        return False
    if rule in ("partial_idempotence", "full_idempotence"):
        return True
    raise ModuleFailed(
        "Key has wrong %s. Will not proceed. To force regeneration, call the module with `generate` set to"
        " `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.%s" % (wrong, more)
    )


def _is_wanted(args: Dict[str, Any], found: openssl.KeyFacts) -> bool:
    if found.kind != args["type"]:
        return False
    if found.kind in ("RSA", "DSA"):
        return bool(found.size == args["size"])
    return found.kind != "ECC" or found.curve in (args["curve"], openssl.CURVES.get(args["curve"], ""))


def _format(args: Dict[str, Any]) -> str:
    if args["format"] not in ("auto", "auto_ignore"):
        return str(args["format"])
    return "pkcs1" if args["type"] in ("RSA", "DSA", "ECC") else "pkcs8"


def _is_of_format(args: Dict[str, Any], key: bytes) -> bool:
    return args["format"] == "auto_ignore" or openssl_keys.form_of(key) == _format(args)


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
    """The key in its format: pkcs1 (what openssl calls traditional), pkcs8, or raw; encrypted where there is a passphrase."""
    form, kind = _format(args), args["type"]
    words = ["pkey", "-passin", "env:" + openssl.SECRET]
    if args["passphrase"]:
        if args["cipher"] != "auto":
            raise ModuleFailed('Cryptography backend can only use "auto" for cipher option.')
        words += ["-aes256", "-passout", "env:" + openssl.SECRET]
    raw = openssl_keys.raw_of(key, kind) if form == "raw" and not args["passphrase"] else None
    if raw is not None:
        return raw
    if form == "raw" or (form == "pkcs1" and kind not in ("RSA", "DSA", "ECC")):
        raise ModuleFailed('Cryptography backend cannot serialize the private key in the required format "%s"' % args["format"])
    if form == "pkcs1":
        words.append("-traditional")
    return openssl.made(context, words, "Cannot write the private key", key, args["passphrase"]).encode()
