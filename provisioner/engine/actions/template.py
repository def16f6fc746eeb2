"""template: a Jinja file rendered on the controller, put into place by the host's copy module."""

from __future__ import annotations

import pwd
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provisioner.engine.actions.action_call import ActionCall, Plan
from provisioner.engine.actions.copy import send
from provisioner.engine.errors import TaskError
from provisioner.templating import TemplateError
from provisioner.templating.filters.text import to_bool

_OURS = (
    "block_end_string",
    "block_start_string",
    "comment_end_string",
    "comment_start_string",
    "lstrip_blocks",
    "newline_sequence",
    "output_encoding",
    "trim_blocks",
    "variable_end_string",
    "variable_start_string",
)


def plan(call: ActionCall) -> Plan:
    src, dest = call.args.get("src"), call.args.get("dest")
    if call.args.get("state") is not None:
        raise TaskError("'state' cannot be specified on a template")
    if not src or not dest:
        raise TaskError("src and dest are required")
    newline = str(call.args.get("newline_sequence", "\n")).replace("\\r", "\r").replace("\\n", "\n")
    if newline not in ("\n", "\r", "\r\n"):
        raise TaskError("newline_sequence needs to be one of: \n, \r or \r\n")
    source = call.find(str(src), "templates")
    dest = str(dest)
    text = render(call, source, dest)
    if newline != "\n":
        text = text.replace("\n", newline)
    data = text.encode(str(call.args.get("output_encoding", "utf-8")), errors="surrogateescape")
    changes = dict.fromkeys(_OURS)
    call.args = {key: value for key, value in call.args.items() if key not in changes}
    return (yield from send(call, data, dest, original=source.name, mode_of=source))


def render(call: ActionCall, source: Path, dest: str) -> str:
    """The rendered text. Raises TaskError that names template and line."""
    options = {key: call.args[key] for key in _OURS if key.endswith("_string") and key in call.args}
    options["trim_blocks"] = to_bool(call.args.get("trim_blocks", True))
    options["lstrip_blocks"] = to_bool(call.args.get("lstrip_blocks", False))
    search = [source.parent]
    for directory in call.run.variables.search(call.task):
        search.extend((directory / "templates", directory))
    try:
        return call.templar.render_file(source.name, search=list(dict.fromkeys(search)), local=template_variables(source, dest), **options)
    except TemplateError as e:
        raise TaskError(f"{type(e).__name__}: {e} (host {call.state.name})") from e


def template_variables(source: Path, dest: str) -> dict[str, Any]:
    """Variables that only templates see."""
    stat = source.stat()
    try:
        owner = pwd.getpwuid(stat.st_uid).pw_name
    except KeyError:
        owner = str(stat.st_uid)
    changed = datetime.fromtimestamp(stat.st_mtime, UTC).astimezone().replace(tzinfo=None)
    return {
        "template_host": _node(),
        "template_path": str(source),
        "template_fullpath": str(source.absolute()),
        "template_mtime": changed,
        "template_uid": owner,
        "template_run_date": datetime.now(UTC).astimezone().replace(tzinfo=None),
        "template_destpath": dest,
        "ansible_managed": "Ansible managed",
    }


def _node() -> str:
    import platform

    return platform.node()
