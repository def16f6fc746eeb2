"""apt_key: keys that apt trusts, kept by the program apt-key where a host still has it."""

import re
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import web
from provisioner.agent.context import Context, ModuleFailed, shown

ARGUMENTS: Dict[str, Any] = {
    "id": {},
    "url": {},
    "data": {},
    "file": {"type": "path"},
    "keyring": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
    "keyserver": {},
    "state": {"default": "present", "choices": ["absent", "present"]},
    "_rules": {"mutually_exclusive": [["data", "file", "keyserver", "url"]]},
}
# A keyserver may be busy for a moment.
_RECEIVE_TRIES = 5
_SHORT, _LONG = 8, 16


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    data, identity = (args["data"] or "").encode("utf-8", "surrogateescape"), args["id"]
    if not identity:
        if args["keyserver"]:
            raise ModuleFailed("Missing key_id, required with keyserver.")
        if args["url"]:
            data = _download(args, context)
        if args["file"] or data:
            identity = _identity_of(args, data, context)
    result: Dict[str, Any] = {"changed": False, "id": identity}
    try:
        short, fingerprint, key_id = parsed_id(identity)
    except (ValueError, TypeError):
        raise ModuleFailed("Invalid key_id", **result)
    before = _keys(args, len(fingerprint) == _SHORT, context)
    result.update(short_id=short, fp=fingerprint, key_id=key_id, before=before)
    present = args["state"] == "present"
    if (fingerprint in before) == present:
        return result
    result["changed"] = True
    if context.check:
        return result
    if present:
        if args["url"] and not data:  # a key that is there already needs no network
            data = _download(args, context)
        _add(args, data, fingerprint, result, context)
    else:
        _run(_apt_key(args, context) + ["del", short if len(fingerprint) == _SHORT else fingerprint], context)
    after = result["after"] = _keys(args, len(fingerprint) == _SHORT, context)
    if present and fingerprint not in after:
        raise ModuleFailed(
            "apt-key did not return an error, but failed to add the key (check that the id is correct and *not* a subkey)", **result
        )
    if not present and fingerprint in after:
        raise ModuleFailed(
            "apt-key did not return an error, but the key was not removed (check that the id is correct and *not* a subkey)", **result
        )
    return result


def parsed_id(identity: Optional[str]) -> Tuple[str, str, str]:
    """(short id, what the key is looked for by, id without 0x); ids have 8, 16 or more hexadecimal digits. Raises ValueError, TypeError."""
    key_id = (identity or "").upper()
    if key_id.startswith("0X"):
        key_id = key_id[2:]
    if not key_id or not re.match(r"^[0-9A-F]+$", key_id):
        raise ValueError(identity)
    if len(key_id) != _SHORT and len(key_id) < _LONG:
        raise ValueError(identity)
    return key_id[-_SHORT:], key_id[-_LONG:] if len(key_id) > _LONG else key_id, key_id


def listed(out: str, short: bool) -> List[str]:
    """Ids of keys and subkeys in what gpg lists with colons."""
    found = [line.split(":")[4] for line in out.splitlines() if line.startswith(("pub:", "sub:"))]
    return [key[-_SHORT:] if short else key for key in found]


def _download(args: Dict[str, Any], context: Context) -> bytes:
    answer = web.ask({"validate_certs": args["validate_certs"]}, context, url=args["url"])
    if answer.status not in (200, None):
        raise ModuleFailed("Failed to download key at %s: %s" % (args["url"], answer.msg))
    return answer.read()


def _apt_key(args: Dict[str, Any], context: Context) -> List[str]:
    return [context.which("apt-key")] + (["--keyring", args["keyring"]] if args["keyring"] else [])


def _run(command: List[str], context: Context, data: Optional[bytes] = None, msg: str = "") -> str:
    code, out, err = context.run(command, data=data)
    if code != 0:
        raise ModuleFailed(
            msg or "%s failed: %s" % (shown(command), (err or out).strip()),
            cmd=shown(command), rc=code, stdout=out, stderr=err, stdout_lines=out.splitlines(), stderr_lines=err.splitlines(),
        )  # fmt: skip
    return out


def _keys(args: Dict[str, Any], short: bool, context: Context) -> List[str]:
    command = _apt_key(args, context) + ["adv", "--list-public-keys", "--keyid-format=long", "--with-colons"]
    code, out, err = context.run(command)
    # A keyring that is not there yet has no keys.
    if code != 0 and not args["keyring"]:
        raise ModuleFailed("Unable to list public keys", cmd=shown(command), rc=code, stdout=out, stderr=err)
    return listed(out, short)


def _identity_of(args: Dict[str, Any], data: bytes, context: Context) -> str:
    """The id of the first key in a file or text."""
    name = args["file"] or ("remote data" if args["url"] else "inline data")
    command = [context.which("gpg"), "--with-colons"]
    code, out, err = context.run(command + [args["file"] or "-"], data=None if args["file"] else data)
    found = listed(out, False)
    if not found:
        raise ModuleFailed(
            "Unable to extract key from '%s'" % name,
            stdout=out, stderr=err, stdout_lines=out.splitlines(), stderr_lines=err.splitlines(),
        )  # fmt: skip
    return found[0]


def _add(args: Dict[str, Any], data: bytes, fingerprint: str, result: Dict[str, Any], context: Context) -> None:
    command = _apt_key(args, context)
    if args["file"]:
        try:
            _run(command + ["add", args["file"]], context, msg="Unable to add a key from file %s" % args["file"])
        except ModuleFailed as error:
            error.more["keyfile"] = args["file"]
            raise
    elif args["keyserver"]:
        words = command + ["adv", "--no-tty", "--keyserver", args["keyserver"], "--recv", result["key_id"]]
        failed: Optional[ModuleFailed] = None
        for _ in range(_RECEIVE_TRIES):
            try:
                _run(words, context, msg="Error fetching key %s from keyserver: %s" % (result["key_id"], args["keyserver"]))
                return
            except ModuleFailed as error:
                failed = error
                if "No keyserver available" in str(error.more.get("stderr")):
                    break
        assert failed is not None
        raise failed
    elif data:
        _run(command + ["add", "-"], context, data=data, msg="Unable to add a key from binary data")
    else:
        raise ModuleFailed(
            "No key to add: the key %s is not there, and none of data, file, url and keyserver says where to get it" % result["id"],
            **result,
        )
