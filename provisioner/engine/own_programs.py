"""What kind of module a file in `library/` is, by its content (Ansible's "module architecture"), and what runs it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.engine.errors import TaskError

PYTHON = "python"
"""One that uses AnsibleModule."""
_COMMON = b"#<<INCLUDE_ANSIBLE_MODULE_COMMON>>"
_IMPORTS = re.compile(
    rb"from +\.{2,} *module_utils.* +import |from +ansible_collections\.[^.]+\.[^.]+\.plugins\.module_utils.* +import |"
    rb"import +ansible_collections\.[^.]+\.[^.]+\.plugins\.module_utils.*|from +ansible\.module_utils.* +import |import +ansible\.module_utils\."
)
_TEXT = bytes({7, 8, 9, 10, 12, 13, 27} | set(range(0x20, 0x100)) - {0x7F})
_IGNORED = frozenset({".pyc", ".pyo", ".swp", ".bak", ".rpm", ".md", ".txt", ".rst", ".yaml", ".yml", ".ini", ".ps1", ".cs"})


def may_be_module(path: Path) -> bool:
    return (
        path.is_file() and path.suffix not in _IGNORED and not path.name.endswith("~") and path.stem != "__init__" and path.name[0] != "."
    )


def _is_binary(source: bytes) -> bool:
    return bool(source[:1024].translate(None, _TEXT))


def style_of(path: Path, source: bytes) -> str:
    """`python`, or how a program gets its arguments: `json` or `words` in a file, `source` within itself."""
    if path.suffix == ".py" and not source.startswith(b"#!"):
        return PYTHON
    if _is_binary(source):
        return "json"
    if _COMMON in source or _IMPORTS.search(source):
        return PYTHON
    if b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>" in source:
        return "source"
    return "json" if b"WANT_JSON" in source else "words"


def python_source(source: bytes) -> bytes:
    """As Python understands it."""
    return source.replace(_COMMON, b"from ansible.module_utils.basic import *")


def interpreter_of(name: str, source: bytes, variables: Mapping[str, Any]) -> list[str]:
    """The words of a script's first line, its program as `ansible_NAME_interpreter` says; none for a binary. Raises TaskError."""
    if _is_binary(source):
        return []
    first = source.split(b"\n", 1)[0].decode(errors="replace").strip()
    words = shlex.split(first[2:]) if first.startswith("#!") else []
    if not words:
        raise TaskError(f"module ({name}) is missing interpreter line")
    program = Path(words[0]).name
    other = variables.get(f"ansible_{program}_interpreter") if program != "python" else None
    return [str(other), *words[1:]] if other else words
