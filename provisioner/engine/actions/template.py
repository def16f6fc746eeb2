"""template: a Jinja file rendered on the controller, put into place by the host's copy module."""

from __future__ import annotations

from pathlib import Path

from provisioner.engine.actions.action_call import ActionCall, Plan
from provisioner.engine.actions.copy import send
from provisioner.engine.errors import TaskError
from provisioner.templating import TemplateError
from provisioner.templating.filters.text import to_bool
from provisioner.templating.template_files import template_variables

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
    if call.args.get("content") is not None:
        raise TaskError("src and content are mutually exclusive")
    newline = str(call.args.get("newline_sequence", "\n")).replace("\\r", "\r").replace("\\n", "\n")
    if newline not in ("\n", "\r", "\r\n"):
        raise TaskError("newline_sequence needs to be one of: \n, \r or")
    source = call.find(str(src), "templates")
    if source.is_dir():
        raise TaskError(f"Task failed: An error occurred while trying to read the file '{source}': [Errno 21] Is a directory: '{source}'")
    dest = str(dest)
    text = render(call, source, str(src), dest, newline)
    try:
        data = text.encode(str(call.args.get("output_encoding", "utf-8")), errors="surrogateescape")
    except (UnicodeEncodeError, LookupError) as e:
        raise TaskError(f"Task failed: {e} (host {call.state.name})") from e
    changes = dict.fromkeys(_OURS)
    call.args = {key: value for key, value in call.args.items() if key not in changes}
    return (yield from send(call, data, dest, original=source.name, mode_of=source))


def render(call: ActionCall, source: Path, name: str, dest: str, newline: str = "\n") -> str:
    """The rendered text. Raises TaskError that names template and line."""
    options = {key: call.args[key] for key in _OURS if key.endswith("_string") and key in call.args}
    options["trim_blocks"] = to_bool(call.args.get("trim_blocks", True))
    options["lstrip_blocks"] = to_bool(call.args.get("lstrip_blocks", False))
    options["newline_sequence"] = newline
    local = template_variables(source, name, dest, str(call.run.options.settings.get("DEFAULT_MANAGED_STR", "Ansible managed")))
    if "ansible_managed" in call.templar.scope:
        del local["ansible_managed"]  # what the user says of it counts
    search = [source.parent]
    for directory in call.run.variables.search(call.task):
        search.extend((directory / "templates", directory))
    try:
        return call.templar.render_file(source.name, search=list(dict.fromkeys(search)), local=local, **options)
    except TemplateError as e:
        raise TaskError(f"Task failed: {e} (host {call.state.name})") from e
