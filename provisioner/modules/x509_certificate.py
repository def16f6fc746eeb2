"""x509_certificate: a certificate for a request, signed by its own key or by a CA's, through the host's openssl."""

import base64
import hashlib
import os
import re
import time
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import attributes, openssl
from provisioner.agent.context import Context, ModuleFailed

_SKI = {"default": "create_if_not_provided", "choices": ["create_if_not_provided", "always_create", "never_create"]}
ARGUMENTS: Dict[str, Any] = dict(
    attributes.FILE_ARGUMENTS,
    path={"type": "path", "required": True},
    state={"default": "present", "choices": ["absent", "present"]},
    provider={"choices": ["acme", "ownca", "selfsigned"]},
    csr_path={"type": "path"},
    csr_content={},
    privatekey_path={"type": "path"},
    privatekey_content={},
    privatekey_passphrase={"no_log": True},
    ignore_timestamps={"type": "bool", "default": True},
    force={"type": "bool", "default": False},
    backup={"type": "bool", "default": False},
    return_content={"type": "bool", "default": False},
    select_crypto_backend={"default": "auto", "choices": ["auto", "cryptography"]},
    selfsigned_version={"type": "int", "default": 3, "choices": [3]},
    selfsigned_digest={"default": "sha256"},
    selfsigned_not_before={"default": "+0s", "aliases": ["selfsigned_notBefore"]},
    selfsigned_not_after={"default": "+3650d", "aliases": ["selfsigned_notAfter"]},
    selfsigned_create_subject_key_identifier=_SKI,
    ownca_path={"type": "path"},
    ownca_content={},
    ownca_privatekey_path={"type": "path"},
    ownca_privatekey_content={},
    ownca_privatekey_passphrase={"no_log": True},
    ownca_version={"type": "int", "default": 3, "choices": [3]},
    ownca_digest={"default": "sha256"},
    ownca_not_before={"default": "+0s"},
    ownca_not_after={"default": "+3650d"},
    ownca_create_subject_key_identifier=_SKI,
    ownca_create_authority_key_identifier={"type": "bool", "default": True},
    acme_accountkey_path={"type": "path"},
    acme_challenge_path={"type": "path"},
    acme_chain={"type": "bool", "default": False},
    acme_directory={"default": "https://acme-v02.api.letsencrypt.org/directory"},
    _rules={
        "mutually_exclusive": [
            ["csr_path", "csr_content"],
            ["privatekey_path", "privatekey_content"],
            ["ownca_path", "ownca_content"],
            ["ownca_privatekey_path", "ownca_privatekey_content"],
        ],
        "required_if": [["state", "present", ["provider"]]],
    },
)
CONFIG = """[ca]
default_ca = one
[one]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
preserve = yes
policy = any
copy_extensions = copyall
x509_extensions = more
[any]
[more]
"""
# openssl's codes for an issuer that isn't marked as one: it may sign here all the same.
_NO_AUTHORITY = {"24", "79"}
_SUBJECT_KEY, _AUTHORITY_KEY = "X509v3 Subject Key Identifier", "X509v3 Authority Key Identifier"
_UNIT_S = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    result: Dict[str, Any] = {"changed": False, "filename": args["path"], "privatekey": args["privatekey_path"], "csr": args["csr_path"]}
    if args["state"] == "absent":
        return openssl.remove(args, dict(result, certificate=None) if args["return_content"] else result, context)
    if args["provider"] == "acme":
        raise ModuleFailed("the provider acme is not supported here: it needs a web server and Internet access for its challenge")
    if args["provider"] == "ownca":
        result.update(ca_cert=args["ownca_path"], ca_privatekey=args["ownca_privatekey_path"])
    with openssl.Folder() as folder:
        order = _Order(args, folder, context)
        there = None
        if os.path.isfile(args["path"]):
            with open(args["path"], "rb") as file:
                there = file.read()
        fits = there is not None and not args["force"] and order.is_met_by(there)
        # What check mode would write is not made: it would be another one each time.
        wanted = None if fits else b"" if context.check else order.certificate()
        openssl.place(args, wanted, result, context)
        result.update(order.dates() if context.check and not fits else _facts(there if wanted is None else wanted, context))
        if args["return_content"] and not (context.check and not fits):
            result["certificate"] = (there if fits and there is not None else wanted or b"").decode()
    return result


class _Order:
    """What is to be signed, by whom, and from when until when. Raises ModuleFailed for what is missing."""

    def __init__(self, args: Dict[str, Any], folder: openssl.Folder, context: Context) -> None:
        self._args, self._folder, self._context = args, folder, context
        self._own = args["provider"] == "selfsigned"
        self._prefix = "selfsigned_" if self._own else "ownca_"
        if self._own and not (args["privatekey_path"] or args["privatekey_content"]):
            raise ModuleFailed("One of privatekey_path and privatekey_content must be specified for the selfsigned provider.")
        if not self._own:
            for name in ("ownca", "ownca_privatekey"):
                if not (args[name + "_path"] or args[name + "_content"]):
                    raise ModuleFailed("One of %s_path and %s_content must be specified for the ownca provider." % (name, name))
            if not (args["csr_path"] or args["csr_content"]):
                raise ModuleFailed("csr_path or csr_content is required for ownca provider")
        prefix = "privatekey" if self._own else "ownca_privatekey"
        self._passphrase = args[prefix + "_passphrase"]
        self._key = folder.file("key", openssl.key_text(args, prefix))
        self._request = folder.file("csr", self._csr())
        self._ca = None if self._own else folder.file("ca", self._content("ownca", "The CA certificate file"))
        if self._ca is not None:
            self._check_ca_key()

    def _content(self, name: str, what: str) -> bytes:
        if self._args[name + "_content"] is not None:
            return str(self._args[name + "_content"]).encode()
        path = self._args[name + "_path"]
        if not os.path.exists(path):
            raise ModuleFailed("%s %s does not exist" % (what, path))
        with open(path, "rb") as file:
            return file.read()

    def _csr(self) -> bytes:
        """The request; a certificate signed by its own key needs none."""
        if self._args["csr_path"] or self._args["csr_content"]:
            return self._content("csr", "The certificate signing request file")
        config = self._folder.file("empty.cnf", b"[req]\ndistinguished_name = dn\n[dn]\n")
        words = ["req", "-new", "-config", config, "-subj", "/", "-key", self._key, "-passin", "env:" + openssl.SECRET]
        return openssl.made(self._context, words, "Cannot make a request", passphrase=self._passphrase).encode()

    def _openssl(self, *words: str) -> str:
        return openssl.made(self._context, list(words), "openssl %s failed" % words[0], passphrase=self._passphrase)

    def _check_ca_key(self) -> None:
        of_certificate = self._openssl("x509", "-in", str(self._ca), "-noout", "-pubkey")
        if self._openssl("pkey", "-in", self._key, "-pubout", "-passin", "env:" + openssl.SECRET) != of_certificate:
            raise ModuleFailed("The CA private key does not belong to the CA certificate")

    def certificate(self) -> bytes:
        args, folder = self._args, self._folder
        if args[self._prefix + "digest"] not in openssl.DIGESTS:
            raise ModuleFailed("The digest %s is not supported with the cryptography backend" % args[self._prefix + "digest"])
        folder.file("index", b"")
        config = folder.file("ca.cnf", (CONFIG.format(folder=os.path.dirname(self._request)) + "\n".join(self._more()) + "\n").encode())
        words = ["ca", "-batch", "-notext", "-config", config, "-in", self._request, "-out", folder.path("made"), "-keyfile", self._key]
        words += ["-passin", "env:" + openssl.SECRET, "-preserveDN", "-md", args[self._prefix + "digest"]]
        words += ["-startdate", moment(args[self._prefix + "not_before"]), "-enddate", moment(args[self._prefix + "not_after"])]
        words += ["-selfsign"] if self._ca is None else ["-cert", self._ca]
        self._openssl(*words)
        if not os.path.exists(folder.path("made")):
            raise ModuleFailed("the request is for another key than the private one that is to sign it: make a request with that key")
        with open(folder.path("made"), "rb") as file:
            return file.read()

    def dates(self) -> Dict[str, Any]:
        return {key: moment(self._args[self._prefix + name]) for key, name in (("notBefore", "not_before"), ("notAfter", "not_after"))}

    def _more(self) -> List[str]:
        """The identifiers of keys that are added to what the request asks for; openssl since 3.0 adds them unless it is told not to."""
        rule = self._args[self._prefix + "create_subject_key_identifier"]
        request = self._openssl("req", "-in", self._request, "-noout", "-text")
        lines = []
        if rule == "always_create" or (rule == "create_if_not_provided" and _SUBJECT_KEY not in request):
            lines.append("subjectKeyIdentifier = hash")
        elif _SUBJECT_KEY not in request:
            lines.append("subjectKeyIdentifier = none")
        if not self._own and self._args["ownca_create_authority_key_identifier"]:
            ca = self._openssl("x509", "-in", str(self._ca), "-noout", "-text", "-pubkey")
            # A CA that does not name its key is named by what its name would be.
            lines.append("authorityKeyIdentifier = keyid" if _SUBJECT_KEY in ca else "2.5.29.35 = DER:30168014" + key_id(ca))
        elif _AUTHORITY_KEY not in request:
            lines.append("authorityKeyIdentifier = none")
        if any(line.endswith("none") for line in lines) and self._openssl("version").startswith("OpenSSL 1."):
            lines = [line for line in lines if not line.endswith("none")]
        return lines

    def is_met_by(self, there: bytes) -> bool:
        """Whether a certificate is for the request's key, name and extensions, and signed by whom it should be."""
        path = self._folder.file("there", there)
        code, text, _ = openssl.run(self._context, ["x509", "-in", path, "-noout", "-text"])
        if code != 0:
            return False
        request = self._openssl("req", "-in", self._request, "-noout", "-text")
        ask = ["-noout", "-subject", "-pubkey", "-nameopt", "RFC2253"]
        if sorted(self._openssl("x509", "-in", path, *ask).splitlines()) != sorted(
            self._openssl("req", "-in", self._request, *ask).splitlines()
        ):
            return False
        if not self._extensions_fit(_extensions(text), _extensions(request)):
            return False
        code, out, err = openssl.run(self._context, ["verify", "-partial_chain", "-no_check_time", "-CAfile", self._ca or path, path])
        wrong = set(re.findall(r"^error (\d+) at", out + err, re.MULTILINE))
        if code != 0 and not (wrong and wrong <= _NO_AUTHORITY) and not self._signed(path):
            return False
        return self._args["ignore_timestamps"] or self._dates_fit(path)

    def _extensions_fit(self, mine: List[str], asked: List[str]) -> bool:
        """Those that the request asks for and no others, but for the identifiers of keys that are to be added."""
        rule, added = self._args[self._prefix + "create_subject_key_identifier"], []
        if rule != "never_create":
            added.append(_SUBJECT_KEY)
            wanted = [entry for entry in asked if _SUBJECT_KEY in entry] if rule == "create_if_not_provided" else []
            if wanted and not set(wanted) <= set(mine):
                return False
        if self._ca is not None and self._args["ownca_create_authority_key_identifier"]:
            added.append(_AUTHORITY_KEY)
        if not all(any(name in entry for entry in mine) for name in added):
            return False
        left, right = ([entry for entry in entries if not any(name in entry for name in added)] for entries in (mine, asked))
        return sorted(left) == sorted(right)

    def _signed(self, path: str) -> bool:
        """For issuers that may sign nothing by their own extensions: a certificate of oneself is its issuer's all the same."""
        if self._ca is not None:
            return False
        names = self._openssl("x509", "-in", path, "-noout", "-subject", "-issuer").splitlines()
        return names[0].partition("=")[2] == names[1].partition("=")[2]

    def _dates_fit(self, path: str) -> bool:
        shown = self._openssl("x509", "-in", path, "-noout", "-startdate", "-enddate").splitlines()
        for line, option in zip(shown, ("not_before", "not_after")):  # noqa: B905 (Python 3.7 has no strict)
            if _stamp(line) != moment(self._args[self._prefix + option]):
                return False
        return True


def key_id(pem: str) -> str:
    """A public key's identifier in hexadecimal digits: the SHA-1 of its bits (RFC 5280, 4.2.1.2). `pem` may have other text around it."""
    der = base64.b64decode(pem.partition("-----BEGIN PUBLIC KEY-----")[2].partition("-----END")[0])
    bits, end = _field(der, _field(der, _field(der, 0)[0])[1])
    return hashlib.sha1(der[bits + 1 : end]).hexdigest()  # the first byte says how many bits of the last are not used


def _field(der: bytes, at: int) -> Tuple[int, int]:
    """Where the content of a DER value begins and ends."""
    start, size = at + 2, der[at + 1]
    if size & 0x80:
        start, size = start + (size & 0x7F), int.from_bytes(der[start : start + (size & 0x7F)], "big")
    return start, start + size


def _stamp(line: str) -> str:
    """A date as openssl shows it, in the form of ASN.1."""
    return time.strftime("%Y%m%d%H%M%SZ", time.strptime(line.partition("=")[2], "%b %d %H:%M:%S %Y %Z"))


def _facts(certificate: Optional[bytes], context: Context) -> Dict[str, Any]:
    """What a certificate says of itself; nothing of one that cannot be read."""
    code, text, _ = openssl.run(context, ["x509", "-noout", "-startdate", "-enddate", "-serial"], certificate or b"")
    if code != 0:
        return {}
    lines = {line.partition("=")[0]: line for line in text.splitlines()}
    serial = int(lines["serial"].partition("=")[2], 16)
    return {"notBefore": _stamp(lines["notBefore"]), "notAfter": _stamp(lines["notAfter"]), "serial_number": serial}


def _extensions(text: str) -> List[str]:
    """Name and value of each extension, as -text shows them."""
    part = re.split(r"X509v3 extensions:\s*\n|Requested Extensions:\s*\n", text)
    if len(part) < 2:
        return []
    found: List[str] = []
    for line in re.split(r"\n\s*Signature ", part[1])[0].splitlines():
        if re.match(r"\s*(X509v3 |TLS Feature|Authority Information)", line):
            found.append(line.strip())
        elif found and line.strip():
            found[-1] += " " + line.strip()
    return found


def moment(text: str) -> str:
    """A time as openssl takes it: from +1w2d3h4m5s relative to now, or YYYYMMDDHHMMSSZ. Raises ModuleFailed."""
    text = str(text).strip()
    found = re.match(r"^([+-])((?:\d+[wdhms])+)$", text)
    if found:
        seconds = sum(int(number) * _UNIT_S[unit] for number, unit in re.findall(r"(\d+)([wdhms])", found.group(2)))
        return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + (seconds if found.group(1) == "+" else -seconds)))
    for pattern in ("%Y%m%d%H%M%SZ", "%Y%m%d%H%MZ", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return time.strftime("%Y%m%d%H%M%SZ", time.strptime(text, pattern))
        except ValueError:
            continue
    raise ModuleFailed('The time spec "%s" is invalid: expected +3650d, -1h30m or YYYYMMDDHHMMSSZ' % text)
