"""deb822_repository: a package source in its newer format (sources.list(5), DEB822-STYLE FORMAT), with the key that signs it."""

import os
import re
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import attributes, contents, web
from provisioner.agent.context import Context, ModuleFailed

_BOOLEANS = (
    "allow_downgrade_to_insecure", "allow_insecure", "allow_weak", "by_hash", "check_date", "check_valid_until", "enabled", "pdiffs", "trusted",
)  # fmt: skip
_LISTS = ("architectures", "components", "languages", "suites", "targets", "uris")
ARGUMENTS: Dict[str, Any] = {
    "name": {"required": True},
    "date_max_future": {"type": "int"},
    "inrelease_path": {},
    "signed_by": {},
    "types": {"type": "list", "elements": "str", "default": ["deb"], "choices": ["deb", "deb-src"]},
    "mode": {"type": "raw", "default": "0644"},
    "state": {"default": "present", "choices": ["absent", "present"]},
}
ARGUMENTS.update({name: {"type": "bool"} for name in _BOOLEANS})
ARGUMENTS.update({name: {"type": "list", "elements": "str"} for name in _LISTS})
SOURCES = "/etc/apt/sources.list.d"
KEYRINGS = "/etc/apt/keyrings"
# Names of fields that are not just the option's words.
_FIELDS = {"name": "X-Repolib-Name", "uris": "URIs"}
_ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
# The first byte of a packet that begins a key or a keyring (RFC 4880, 4.2): a public key, old and new form.
_PACKET = 0x80


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    slug = re.sub(r"[^a-z0-9-]+", "", re.sub(r"[_\s]+", "-", args["name"].lower()))
    path = os.path.join(SOURCES, slug + ".sources")
    if args["state"] == "absent":
        return _absent(path, slug, context)
    signer, key_file, changed = _signer(args, slug, context)
    text = content(dict(args, signed_by=signer))
    result: Dict[str, Any] = {"repo": text, "dest": path, "key_filename": key_file}
    before = _read(path)
    different = before != text.encode()
    if different and context.diff:
        found = contents.difference(path, text.encode(), context)
        if found is not None:
            result["diff"] = found
    if different and not context.check:
        _folder(SOURCES)
        contents.write(path, text.encode())
    if os.path.exists(path):
        changed = attributes.apply(path, {"mode": args["mode"]}, context) or changed
    return dict(result, changed=changed or different, **(attributes.describe(path) if os.path.exists(path) else {}))


def _read(path: str) -> Optional[bytes]:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _folder(path: str) -> None:
    os.makedirs(path, 0o755, exist_ok=True)


def content(args: Dict[str, Any]) -> str:
    """The file's fields, in the order of the options' names."""
    lines = []
    for option in sorted(set(ARGUMENTS) - {"mode", "state"}):
        value = args[option]
        if value is None:
            continue
        field = _FIELDS.get(option) or "-".join(word.capitalize() for word in option.split("_"))
        lines.append("%s:%s" % (field, _value(value)))
    return "".join(line + "\n" for line in lines)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return " yes" if value else " no"
    if isinstance(value, list):
        return " " + " ".join(value)
    text = str(value).strip()
    if "\n" not in text:
        return " " + text
    # An empty line would end the entry: a dot stands for one.
    return "".join("\n    " + (line.strip() or ".") for line in text.splitlines())


def _signer(args: Dict[str, Any], slug: str, context: Context) -> Tuple[Optional[str], Optional[str], bool]:
    """(value of Signed-By, the file of the key, whether that file changes). A key from a server is kept beside the others."""
    signer = args["signed_by"]
    if signer is None:
        return None, None, False
    if os.path.isfile(signer):
        return signer, signer, False
    if "://" not in signer.split("\n")[0]:
        return signer, None, False
    answer = web.ask({"http_agent": "ansible-httpget"}, context, url=signer)
    if answer.status not in (200, None):
        raise ModuleFailed("Could not fetch signed_by key: %s" % answer.msg.replace("Request failed: ", ""))
    data = answer.read()
    armored = data.lstrip().startswith(_ARMOR)
    if not armored and not (data and data[0] & _PACKET):
        raise ModuleFailed("Could not fetch signed_by key: what %s has is no OpenPGP key" % signer)
    path = os.path.join(KEYRINGS, "%s.%s" % (slug, "asc" if armored else "gpg"))
    changed = _read(path) != data
    if changed and not context.check:
        _folder(KEYRINGS)
        contents.write(path, data)
    if os.path.exists(path):
        changed = attributes.apply(path, {"mode": args["mode"]}, context) or changed
    return path, path, changed


def _absent(path: str, slug: str, context: Context) -> Dict[str, Any]:
    names: List[str] = [os.path.join(KEYRINGS, "%s.%s" % (slug, ending)) for ending in ("asc", "gpg")]
    gone = [name for name in [path, *names] if os.path.lexists(name)]
    result: Dict[str, Any] = {"repo": None, "changed": bool(gone), "dest": path, "key_filename": names[-1]}
    if context.diff and path in gone:
        result["diff"] = {
            "before": (_read(path) or b"").decode("utf-8", "replace"), "after": "", "before_header": path, "after_header": "/dev/null",
        }  # fmt: skip
    if not context.check:
        for name in gone:
            os.unlink(name)
    elif os.path.exists(path):
        result.update(attributes.describe(path))
    return result
