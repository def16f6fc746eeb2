"""Byte code is unchecked and the same for the same source."""

from __future__ import annotations

import runpy
from pathlib import Path

from provisioner.release.compiled import cache_name, compile_source


def test_byte_code_is_deterministic_and_unchecked(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text("VALUE = {'b', 'a', 'c'}\n")
    first = compile_source("pkg/module.py", source)
    assert first is not None
    assert first == compile_source("pkg/module.py", source)
    # PEP 552: flags 0b01 = hash-based, check_source off.
    assert int.from_bytes(first[4:8], "little") == 0b01


def test_docstrings_and_assertions_are_left_out(tmp_path: Path) -> None:
    source, made = tmp_path / "module.py", tmp_path / "module.pyc"
    source.write_text('"""Said."""\nassert False\ndef f():\n    """Said."""\n')
    made.write_bytes(compile_source("module.py", source) or b"")
    names = runpy.run_path(str(made))
    assert (names["__doc__"], names["f"].__doc__) == (None, None)


def test_source_of_another_python_is_left_alone(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text("print 'old'\n")
    assert compile_source("module.py", source) is None


def test_cache_name() -> None:
    assert cache_name("a/b.py") == "a/__pycache__/b.cpython-311.pyc"
