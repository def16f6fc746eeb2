"""debconf: answers to the questions of Debian packages, before they ask."""

from typing import Any, Dict, List, Optional

from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "name": {"required": True, "aliases": ["pkg"]},
    "question": {"aliases": ["selection", "setting"]},
    "vtype": {"choices": ["boolean", "error", "multiselect", "note", "password", "seen", "select", "string", "text", "title"]},
    "value": {"type": "raw", "aliases": ["answer"]},
    "unseen": {"type": "bool", "default": False},
    "_rules": {"required_together": [["question", "vtype", "value"]]},
}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    name, question = args["name"], args["question"]
    before = _answers(name, context)
    if question is None:
        return {"changed": False, "msg": "", "current": before}
    if args["vtype"] is None or args["value"] is None:
        raise ModuleFailed("when supplying a question you must supply a valid vtype and value")
    value = text_of(args["value"], args["vtype"], known=question in before)
    if not _differs(question, value, args, before, context):
        return {"changed": False, "msg": "", "current": before}
    if not context.check:
        _set(args, value, context)
    # An answer that was there stands for itself; a new one is shown among the others.
    previous = {question: before[question]} if question in before else dict(before, **{question: ""})
    result: Dict[str, Any] = {"changed": True, "msg": "", "current": {question: value}, "previous": previous}
    result["diff"] = {}
    if context.diff:
        hidden = args["vtype"] == "password"
        result["diff"] = {"before": previous, "after": dict(previous, **{question: "********" if hidden else value})}
    return result


def text_of(value: Any, vtype: str, known: bool) -> str:
    """As debconf writes it; a list's order counts for a question that was not `known` before (Ansible)."""
    if vtype == "boolean":
        return str(value).lower()
    if isinstance(value, list) and vtype == "multiselect":
        items = [str(item) for item in value]
        return ", ".join(sorted(items) if known else items)
    if isinstance(value, (list, dict)):
        raise ModuleFailed("Invalid value provided: a %s is no answer to a question of type %s" % (type(value).__name__, vtype))
    return str(value)


def _parts(text: str) -> List[str]:
    return sorted(part.strip() for part in text.split(","))


def _differs(question: str, value: str, args: Dict[str, Any], before: Dict[str, str], context: Context) -> bool:
    """Texts are compared as they are; a list's choices in any order."""
    if question not in before:
        return True
    current: Optional[str] = before[question]
    if args["vtype"] == "password":
        current = _password(args["name"], question, context)
    elif args["vtype"] == "multiselect" and isinstance(args["value"], list):
        return _parts(value) != _parts(before[question])
    elif args["vtype"] == "boolean":
        current = before[question].lower()
    return current != value


def _answers(name: str, context: Context) -> Dict[str, str]:
    """What debconf-show tells: lines of `* question: answer`, where a star says that it was seen."""
    _, out, _ = context.run([context.which("debconf-show"), name], ok=[0])
    found = {}
    for line in out.splitlines():
        question, sign, answer = line.lstrip("*").strip().partition(":")
        if sign:
            found[question.strip()] = answer.strip()
    return found


def _password(name: str, question: str, context: Context) -> Optional[str]:
    """debconf-show hides it."""
    code, out, _ = context.run([context.which("debconf-get-selections")])
    if code != 0:
        return None
    for line in out.splitlines():
        fields = line.split("\t")
        if len(fields) > 3 and fields[:2] == [name, question]:
            return fields[3]
    return None


def _set(args: Dict[str, Any], value: str, context: Context) -> None:
    command = [context.which("debconf-set-selections")] + (["-u"] if args["unseen"] else [])
    line = " ".join([args["name"], args["question"], args["vtype"], value])
    code, out, err = context.run(command, data=line.encode("utf-8", "surrogateescape"))
    if code != 0:
        raise ModuleFailed(err or out)
