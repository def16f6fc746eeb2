"""openssl_csr: a signing request for a key, made by the host's openssl; made again when it would say something else."""

import ipaddress
import os
import re
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import attributes, openssl, openssl_extensions
from provisioner.agent.context import Context, ModuleFailed

_NAMES = {
    "country_name": ("C", ["C", "countryName"]),
    "state_or_province_name": ("ST", ["ST", "stateOrProvinceName"]),
    "locality_name": ("L", ["L", "localityName"]),
    "organization_name": ("O", ["O", "organizationName"]),
    "organizational_unit_name": ("OU", ["OU", "organizationalUnitName"]),
    "common_name": ("CN", ["CN", "commonName"]),
    "email_address": ("emailAddress", ["E", "emailAddress"]),
}
ARGUMENTS: Dict[str, Any] = dict(
    attributes.FILE_ARGUMENTS,
    **{name: {"aliases": aliases} for name, (_, aliases) in _NAMES.items()},
    state={"default": "present", "choices": ["absent", "present"]},
    path={"type": "path", "required": True},
    privatekey_path={"type": "path"},
    privatekey_content={},
    privatekey_passphrase={"no_log": True},
    digest={"default": "sha256"},
    version={"type": "int", "default": 1, "choices": [1]},
    force={"type": "bool", "default": False},
    backup={"type": "bool", "default": False},
    subject={"type": "dict"},
    subject_ordered={"type": "list", "elements": "dict"},
    subject_alt_name={"type": "list", "elements": "str", "aliases": ["subjectAltName"]},
    subject_alt_name_critical={"type": "bool", "default": False, "aliases": ["subjectAltName_critical"]},
    use_common_name_for_san={"type": "bool", "default": True, "aliases": ["useCommonNameForSAN"]},
    key_usage={"type": "list", "elements": "str", "aliases": ["keyUsage"]},
    key_usage_critical={"type": "bool", "default": False, "aliases": ["keyUsage_critical"]},
    extended_key_usage={"type": "list", "elements": "str", "aliases": ["extKeyUsage", "extendedKeyUsage"]},
    extended_key_usage_critical={"type": "bool", "default": False, "aliases": ["extKeyUsage_critical", "extendedKeyUsage_critical"]},
    basic_constraints={"type": "list", "elements": "str", "aliases": ["basicConstraints"]},
    basic_constraints_critical={"type": "bool", "default": False, "aliases": ["basicConstraints_critical"]},
    ocsp_must_staple={"type": "bool", "default": False, "aliases": ["ocspMustStaple"]},
    ocsp_must_staple_critical={"type": "bool", "default": False, "aliases": ["ocspMustStaple_critical"]},
    name_constraints_permitted={"type": "list", "elements": "str"},
    name_constraints_excluded={"type": "list", "elements": "str"},
    name_constraints_critical={"type": "bool", "default": False},
    create_subject_key_identifier={"type": "bool", "default": False},
    subject_key_identifier={},
    authority_key_identifier={},
    authority_cert_issuer={"type": "list", "elements": "str"},
    authority_cert_serial_number={"type": "int"},
    crl_distribution_points={"type": "list", "elements": "dict", "options": openssl_extensions.POINT},
    return_content={"type": "bool", "default": False},
    select_crypto_backend={"default": "auto", "choices": ["auto", "cryptography"]},
    _rules={
        "mutually_exclusive": [["privatekey_path", "privatekey_content"], ["subject", "subject_ordered"]],
        "required_together": [["authority_cert_issuer", "authority_cert_serial_number"]],
        "required_if": [("state", "present", ["privatekey_path", "privatekey_content"], True)],
    },
)
_USAGES = {
    "Digital Signature": "digitalSignature", "Non Repudiation": "nonRepudiation", "Content Commitment": "nonRepudiation",
    "Key Encipherment": "keyEncipherment", "Data Encipherment": "dataEncipherment", "Key Agreement": "keyAgreement",
    "Certificate Sign": "keyCertSign", "CRL Sign": "cRLSign", "Encipher Only": "encipherOnly", "Decipher Only": "decipherOnly",
}  # fmt: skip
_EXTENDED = {
    "TLS Web Server Authentication": "serverAuth", "TLS Web Client Authentication": "clientAuth", "Code Signing": "codeSigning",
    "E-mail Protection": "emailProtection", "Time Stamping": "timeStamping", "OCSP Signing": "OCSPSigning", "Any Extended Key Usage": "anyExtendedKeyUsage",
}  # fmt: skip


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    subject = _subject(args)
    names = _alternatives(args, subject)
    result: Dict[str, Any] = {
        "changed": False,
        "filename": args["path"],
        "privatekey": args["privatekey_path"],
        "subject": [list(pair) for pair in subject],
        "subjectAltName": names or None,
        "keyUsage": args["key_usage"],
        "extendedKeyUsage": args["extended_key_usage"],
        "basicConstraints": args["basic_constraints"],
        "ocspMustStaple": args["ocsp_must_staple"],
        "name_constraints_permitted": args["name_constraints_permitted"] or [],
        "name_constraints_excluded": args["name_constraints_excluded"] or [],
    }
    if args["state"] == "absent":
        return openssl.remove(args, dict(result, csr=None) if args["return_content"] else result, context)
    wanted = _made(args, subject, names, context)
    there = None
    if os.path.isfile(args["path"]):
        with open(args["path"], "rb") as file:
            there = file.read()
    same = there is not None and not args["force"] and told(there, context) == told(wanted, context)
    openssl.place(args, None if same else wanted, result, context)
    if args["return_content"]:
        result["csr"] = (there if same and there is not None else wanted).decode()
    return result


def told(request: bytes, context: Context) -> Optional[str]:
    """All that a request says but for its signature, in openssl's words; None for what is no request, or not signed by its key."""
    code, out, _ = openssl.run(context, ["req", "-noout", "-text", "-verify", "-nameopt", "RFC2253,sep_multiline"], request)
    if code != 0:
        return None
    lines = re.split(r"\n\s*Signature Algorithm:", out)[0].splitlines()
    # In which order names and usages are listed says nothing.
    return "\n".join(", ".join(sorted(line.strip().split(", "))) for line in lines)


def _subject(args: Dict[str, Any]) -> List[Tuple[str, str]]:
    """Fields in their order, the further ones before those with options of their own."""
    found: List[Tuple[str, str]] = []
    if args["subject_ordered"] and any(args[name] for name in _NAMES):
        raise ModuleFailed("subject_ordered cannot be combined with any other subject field")
    for entry in args["subject_ordered"] or []:
        found += [(str(key), str(value)) for key, value in entry.items()]
    for key, value in (args["subject"] or {}).items():
        found += [(str(key), str(one)) for one in (value if isinstance(value, list) else [value])]
    found += [(short, args[name]) for name, (short, _) in _NAMES.items() if args[name]]
    return found


def _alternatives(args: Dict[str, Any], subject: List[Tuple[str, str]]) -> List[str]:
    if args["subject_alt_name"] or not args["use_common_name_for_san"]:
        return list(args["subject_alt_name"] or [])
    return ["DNS:" + value for key, value in subject if key in ("CN", "commonName")][:1]


def _made(args: Dict[str, Any], subject: List[Tuple[str, str]], names: List[str], context: Context) -> bytes:
    key = openssl.key_text(args)
    if args["digest"] not in openssl.DIGESTS:
        raise ModuleFailed('Unsupported digest "%s"' % args["digest"])
    lines = ["[req]", "prompt = no", "utf8 = yes", "string_mask = utf8only", "distinguished_name = dn", "req_extensions = ext", "[dn]"]
    # A number before the name lets it come more than once.
    lines += ["%d.%s = %s" % (number, name, openssl_extensions.escaped(value)) for number, (name, value) in enumerate(subject)]
    if not subject:
        lines.append("")
    lines += ["[ext]", *_extensions(args, names)]
    with openssl.Folder() as folder:
        config = folder.file("req.cnf", "\n".join([*lines, ""]).encode())
        words = [
            "req",
            "-new",
            "-config",
            config,
            "-key",
            folder.file("key", key),
            "-" + args["digest"],
            "-passin",
            "env:" + openssl.SECRET,
        ]
        if not subject:
            words += ["-subj", "/"]
        code, out, said = openssl.run(context, words, passphrase=args["privatekey_passphrase"])
    if code != 0:
        unknown = re.search(r"invalid (?:object identifier|field name):[^\n]*[:=]([^:=\n]+)$", said, re.MULTILINE)
        raise ModuleFailed(
            'Cannot find OID for "%s"' % unknown.group(1) if unknown else "Cannot generate the request: %s" % (said.strip() or out.strip())
        )
    return out.encode()


def _extensions(args: Dict[str, Any], names: List[str]) -> List[str]:
    lines, sections = [], []

    def add(option: str, key: str, values: List[str]) -> None:
        if values:
            critical = ["critical"] if args.get(option + "_critical") else []
            lines.append("%s = %s" % (key, ",".join(critical + values)))

    if names:
        critical = "critical," if args["subject_alt_name_critical"] else ""
        lines.append("subjectAltName = %s@names" % critical)
        told, subjects = openssl_extensions.general_names(names, "name")
        pairs = enumerate(_pair(name) for name in told)
        sections += [
            "[names]",
            *("%s.%d = %s" % (kind, number, openssl_extensions.escaped(value)) for number, (kind, value) in pairs),
            *subjects,
        ]
    for usage in args["key_usage"] or []:
        if usage not in _USAGES and usage not in _USAGES.values():
            raise ModuleFailed('Unknown key usage "%s"' % usage)
    add("key_usage", "keyUsage", [_USAGES.get(usage, usage) for usage in args["key_usage"] or []])
    add("extended_key_usage", "extendedKeyUsage", [_EXTENDED.get(usage, usage) for usage in args["extended_key_usage"] or []])
    add("basic_constraints", "basicConstraints", list(args["basic_constraints"] or []))
    limits = ["permitted;" + _with_mask(name) for name in args["name_constraints_permitted"] or []]
    limits += ["excluded;" + _with_mask(name) for name in args["name_constraints_excluded"] or []]
    add("name_constraints", "nameConstraints", limits)
    if args["ocsp_must_staple"]:
        add("ocsp_must_staple", "tlsfeature", ["status_request"])
    if args["create_subject_key_identifier"]:
        lines.append("subjectKeyIdentifier = hash")
    elif args["subject_key_identifier"]:
        lines.append("subjectKeyIdentifier = %s" % args["subject_key_identifier"].replace(":", ""))
    lines += openssl_extensions.authority_key(args)
    points, more = openssl_extensions.distribution_points(args["crl_distribution_points"] or [])
    return lines + points + sections + more


def _with_mask(name: str) -> str:
    """A network as openssl takes it: 10.0.0.0/255.0.0.0 for 10.0.0.0/8."""
    if not name.startswith("IP:") or "/" not in name:
        return name
    try:
        network = ipaddress.ip_network(name[3:], strict=False)
    except ValueError:
        raise ModuleFailed('Cannot parse Subject Alternative Name "%s": it is no network' % name)
    return "IP:%s/%s" % (network.network_address, network.netmask)


def _pair(name: str) -> Tuple[str, str]:
    kind, colon, value = name.partition(":")
    if not colon:
        raise ModuleFailed('Cannot parse Subject Alternative Name "%s" (forgot "DNS:" prefix?)' % name)
    return ("email", value) if kind.lower() == "email" else (kind, value)
