"""ini_file: sections and options of INI files, one line at a time; everything else in the file stays as it is."""

import os
import re
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import attributes, contents, edits
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = dict(
    attributes.FILE_ARGUMENTS,
    path={"type": "path", "required": True, "aliases": ["dest"]},
    section={},
    section_has_values={
        "type": "list",
        "elements": "dict",
        "options": {"option": {"required": True}, "value": {}, "values": {"type": "list", "elements": "str"}},
        "mutually_exclusive": [["value", "values"]],
    },
    option={},
    value={},
    values={"type": "list", "elements": "str"},
    backup={"type": "bool", "default": False},
    state={"default": "present", "choices": ["absent", "present"]},
    exclusive={"type": "bool", "default": True},
    no_extra_spaces={"type": "bool", "default": False},
    ignore_spaces={"type": "bool", "default": False},
    allow_no_value={"type": "bool", "default": False},
    modify_inactive_option={"type": "bool", "default": True},
    create={"type": "bool", "default": True},
    follow={"type": "bool", "default": False},
    _rules={"mutually_exclusive": [["value", "values"]]},
)
_SECTION = re.compile(r"^\s*\[(.*)\]\s*$")
Range = Tuple[int, int]


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    path = args["path"]
    wanted = _wanted(args)
    target = os.path.realpath(path) if args["follow"] else path
    exists = os.path.exists(target)
    if not exists and not args["create"]:
        raise ModuleFailed("Destination %s does not exist!" % target, rc=257)
    before = _read(target) if exists else b""
    try:
        lines = before.decode("utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise ModuleFailed("%s is not UTF-8 text: %s" % (target, error), path=path)
    lines = [line[:-2] + "\n" if line.endswith("\r\n") else line for line in lines]
    after_lines, msg = changed_lines(lines, args, wanted)
    changed = after_lines != lines
    msg = msg if changed else "OK"
    after = "".join(after_lines).encode()
    result: Dict[str, Any] = {"path": path, "diff": edits.content_diff(path, before if changed else after, after, context)}
    if changed and not context.check:
        if args["backup"]:
            result["backup_file"] = contents.backup(target) if exists else ""
        edits.make_folder(target, context)
        if os.path.islink(target):
            os.unlink(target)
        contents.write(target, after)
    if os.path.lexists(target):
        changed = attributes.apply(target, args, context) or changed
    return dict(result, changed=changed, msg=msg, **attributes.describe(path))


def _read(path: str) -> bytes:
    if os.path.isdir(path):
        raise ModuleFailed("Path %s is a directory !" % path, rc=256)
    with open(path, "rb") as file:
        return file.read()


def _wanted(args: Dict[str, Any]) -> List[str]:
    """The option's values; none for an option without any."""
    values: List[str] = [args["value"]] if args["value"] is not None else list(args["values"] or [])
    if args["state"] == "present" and not args["allow_no_value"] and not values:
        raise ModuleFailed("Parameter 'value(s)' must be defined if state=present and allow_no_value=False.")
    return values


def changed_lines(lines: List[str], args: Dict[str, Any], wanted: List[str]) -> Tuple[List[str], str]:
    """The file's lines afterwards, and what was done; lines that are the same mean that nothing was."""
    absent = args["state"] == "absent"
    if absent and not lines:
        return lines, "OK"
    # Ansible begins a new file with an empty line and ends the last line of any; so do we, that both leave the same.
    lines = lines[:-1] + [lines[-1].rstrip("\n") + "\n"] if lines else ["\n"]
    found = _section(lines, args)
    if found is None:
        return (lines, "OK") if absent else _new_section(lines, args, wanted)
    start, end = found
    if not args["option"]:
        if absent and args["section"]:
            return lines[: start - 1] + lines[end:], "section removed"
        return lines, "OK"
    body = lines[start:end]
    if absent:
        made = _without(body, args, wanted)
        return lines[:start] + made + lines[end:], "option changed"
    made, msg = _with(body, args, wanted)
    return lines[:start] + made + lines[end:], msg


def _sections(lines: List[str]) -> List[Tuple[str, int, int]]:
    """(name, first line after the header, line after the last); the one without a name is what stands before all headers."""
    starts = [("", 0)]
    for number, line in enumerate(lines):
        header = _SECTION.match(line)
        if header and not line.lstrip().startswith(("#", ";")):
            starts.append((header.group(1), number + 1))
    ends = [start - 1 for _, start in starts[1:]] + [len(lines)]
    return [(name, start, end) for (name, start), end in zip(starts, ends)]  # noqa: B905


def _section(lines: List[str], args: Dict[str, Any]) -> Optional[Range]:
    for name, start, end in _sections(lines):
        if name == (args["section"] or "") and (start > 0) == bool(args["section"]) and _has_values(lines[start:end], args):
            return start, end
    return None


def _has_values(body: List[str], args: Dict[str, Any]) -> bool:
    for condition in args["section_has_values"] or []:
        active = [_value(line) for line in body if _is(line, condition["option"], False)]
        for value in _condition_values(condition):
            if value not in active and not (value is None and active):
                return False
    return True


def _condition_values(condition: Dict[str, Any]) -> List[Optional[str]]:
    values = condition.get("values")
    if values is None:
        value = condition.get("value")
        return [None if value is None else str(value)]
    return [str(value) for value in values]


def _is(line: str, option: str, inactive: bool) -> bool:
    """Whether a line sets the option; with `inactive` also one that is commented out."""
    prefix = r"[ \t]*([#;][ \t]*)?" if inactive else r"[ \t]*"
    return re.match(r"^%s%s[ \t]*(=|$)" % (prefix, re.escape(option)), line.rstrip("\r\n")) is not None


def _active(line: str) -> bool:
    return not line.lstrip().startswith(("#", ";"))


def _value(line: str) -> Optional[str]:
    _, sign, value = line.partition("=")
    return value.strip() if sign else None


def _line(option: str, value: Optional[str], args: Dict[str, Any]) -> str:
    if value is None:
        return option + "\n"
    return ("%s=%s\n" if args["no_extra_spaces"] else "%s = %s\n") % (option, value)


def _same(line: str, new: str, args: Dict[str, Any]) -> bool:
    if not args["ignore_spaces"] or not _active(line):
        return line == new
    return _value(line) == _value(new)


def _new_section(lines: List[str], args: Dict[str, Any], wanted: List[str]) -> Tuple[List[str], str]:
    lines.append("[%s]\n" % args["section"])
    for condition in args["section_has_values"] or []:
        if condition["option"] != args["option"]:
            lines.extend(_line(condition["option"], value, args) for value in _condition_values(condition))
    if not args["option"]:
        return lines, "only section added"
    values: List[Optional[str]] = [*wanted] or [None]
    lines.extend(_line(args["option"], value, args) for value in values)
    return lines, "section and option added"


def _without(body: List[str], args: Dict[str, Any], wanted: List[str]) -> List[str]:
    """Options gone: all of that name, or (not exclusive) those of the values."""
    values: List[Optional[str]] = [*wanted] or [None]
    return [line for line in body if not _is(line, args["option"], False) or (not args["exclusive"] and _value(line) not in values)]


def _with(body: List[str], args: Dict[str, Any], wanted: List[str]) -> Tuple[List[str], str]:
    option = args["option"]
    left: List[Optional[str]] = [*wanted] or [None]
    msg = "OK"
    places = [n for n, line in enumerate(body) if _is(line, option, args["modify_inactive_option"])]
    kept: Dict[int, str] = {}
    # First those that have a wanted value already, active ones before commented ones.
    for number in sorted(places, key=lambda n: (not _active(body[n]), n)):
        line = body[number]
        value = _value(line)
        if value in left:
            kept[number] = _line(option, value, args)
            left.remove(value)
    for number in places:
        if number in kept or not left:
            continue
        # Without `exclusive`, values of others stay; a comment may become the option.
        if args["exclusive"] or not _active(body[number]):
            kept[number] = _line(option, left.pop(0), args)
    made: List[str] = []
    end = 0
    for number, line in enumerate(body):
        if number in kept:
            if not _same(line, kept[number], args):
                line, msg = kept[number], "option changed"
        elif number in places and args["exclusive"]:
            msg = "option changed"
            continue
        made.append(line)
        if line.strip() and _active(line):
            end = len(made)
    if left:
        made[end:end] = [_line(option, value, args) for value in left]
        msg = "option added"
    return made, msg
