"""Proves what kind of module a file is taken for, and what runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.errors import TaskError
from provisioner.engine.own_programs import interpreter_of, may_be_module, python_source, style_of

STYLES: list[tuple[str, bytes, str]] = [
    ("m.py", b"import os\n", "python"),
    ("m.py", b"#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n", "python"),
    ("m", b"#!/usr/bin/python\nimport ansible.module_utils.basic\n", "python"),
    ("m", b"#!/usr/bin/python\nfrom ansible_collections.a.b.plugins.module_utils.c import d\n", "python"),
    ("m", b"#!/usr/bin/python\nfrom ...module_utils.c import d\n", "python"),
    ("m", b"#!/usr/bin/python\n#<<INCLUDE_ANSIBLE_MODULE_COMMON>>\n", "python"),
    ("m.py", b"#!/usr/bin/python\nimport sys\n", "words"),
    ("m.py", b"#!/usr/bin/python\nx = '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n", "source"),
    ("m.rb", b"#!/usr/bin/ruby\n# WANT_JSON\n", "json"),
    ("m", b"\x7fELF\x02\x00\x00", "json"),
]


@pytest.mark.parametrize(("name", "source", "style"), STYLES, ids=range(len(STYLES)))
def test_kinds_of_modules(name: str, source: bytes, style: str) -> None:
    assert style_of(Path(name), source) == style


def test_what_includes_the_common_code_imports_it() -> None:
    assert python_source(b"a\n#<<INCLUDE_ANSIBLE_MODULE_COMMON>>\n") == b"a\nfrom ansible.module_utils.basic import *\n"


def test_interpreters_come_from_the_first_line_and_variables() -> None:
    source = b"#!/usr/bin/perl -w\n"
    assert interpreter_of("m", source, {}) == ["/usr/bin/perl", "-w"]
    assert interpreter_of("m", source, {"ansible_perl_interpreter": "/opt/perl"}) == ["/opt/perl", "-w"]
    assert interpreter_of("m", b"#!/usr/bin/env ruby\n", {"ansible_ruby_interpreter": "x"}) == ["/usr/bin/env", "ruby"]
    assert interpreter_of("m", b"\x7fELF\x02\x00\x00", {}) == []
    with pytest.raises(TaskError, match=r"module \(m\) is missing interpreter line"):
        interpreter_of("m", b"echo\n", {})


def test_which_files_are_modules(tmp_path: Path) -> None:
    for name in ("a.py", "b", "c.sh", "d.md", "e.pyc", "f~", "__init__.py", ".g", "h.ps1"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    assert sorted(path.name for path in filter(may_be_module, tmp_path.iterdir())) == ["a.py", "b", "c.sh"]
