"""Proves that a template file's first line may set Jinja's own settings, that its end is kept, and what it knows of itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.templating import Templar, TemplateError
from provisioner.templating.template_files import keep_end, split_header, template_variables
from provisioner.templating.vault import VaultSecrets


@pytest.mark.parametrize(
    ("source", "settings", "body"),
    [
        ("plain\n", {}, "plain\n"),
        ("#jinja2: trim_blocks: False, lstrip_blocks: True\nx", {"trim_blocks": False, "lstrip_blocks": True}, "x"),
        (
            "#jinja2:variable_start_string:'[%' , variable_end_string:'%]'\n",
            {"variable_start_string": "[%", "variable_end_string": "%]"},
            "",
        ),
        (" #jinja2: trim_blocks: False\n", {}, " #jinja2: trim_blocks: False\n"),
    ],
)
def test_the_header_sets_what_it_names(source: str, settings: dict[str, object], body: str) -> None:
    assert split_header(source) == (settings, body)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("#jinja2: trim_blocks: False", "Missing newline"),
        ("#jinja2: trim_blocks: False,\n", "Empty"),
        ("#jinja2: trim_blocks\n", "Missing key-value separator"),
        ("#jinja2: trim: False\n", "Invalid '#jinja2:' override key 'trim'"),
        ("#jinja2: trim_blocks: no\n", "must be a literal of Python"),
    ],
)
def test_a_wrong_header_says_what_is_wrong(source: str, error: str) -> None:
    with pytest.raises(TemplateError, match=error):
        split_header(source)


@pytest.mark.parametrize(("text", "newlines", "kept"), [("a", 0, "a"), ("a", 2, "a\n\n"), ("a\n", 1, "a\n"), ("a\n\n", 1, "a\n\n")])
def test_the_end_has_as_many_lines_as_the_template(text: str, newlines: int, kept: str) -> None:
    assert keep_end(text, newlines) == kept


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("#jinja2: variable_start_string: '[%', variable_end_string: '%]'\n[% x %] {{ x }}\n", "1 {{ x }}\n"),
        ("{% if x %}\nyes\n{% endif %}\n\n", "yes\n\n"),
        ("#jinja2: trim_blocks: False\n{% if x %}\nyes\n{% endif %}\n", "\nyes\n"),
        ("{{ none }}|{{ (1, 2) }}|{{ [none] }}\n", "|[1, 2]|[None]\n"),
    ],
)
def test_files_render_with_their_header_and_end(tmp_path: Path, source: str, rendered: str) -> None:
    (tmp_path / "t.j2").write_text(source)
    assert Templar(variables={"x": 1}).render_file("t.j2", search=[tmp_path]) == rendered


def test_a_file_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    file, templar = tmp_path / "t.j2", Templar(variables={"x": 1})
    file.write_text("old {{ x }}")
    assert templar.render_file("t.j2", search=[tmp_path]) == "old 1"
    file.write_text("new {{ x }}")
    os.utime(file, ns=(1, 1))
    assert templar.render_file("t.j2", search=[tmp_path]) == "new 1"


def test_a_file_of_one_expression_has_its_value_where_values_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.j2").write_text("{{ {'a': [x]} }}\n")
    assert Templar(variables={"x": 1}).render_file_value("t.j2", search=[tmp_path]) == {"a": [1]}


def test_templates_know_of_themselves(tmp_path: Path) -> None:
    source = tmp_path / "t.j2"
    source.write_text("")
    os.utime(source, (0, 86_400 * 40))
    known = template_variables(source, "t.j2", "/etc/t", "by {file} of {uid}, %Y")
    assert known["ansible_managed"] == f"by t.j2 of {known['template_uid']}, 1970"
    assert (known["template_path"], known["template_fullpath"], known["template_destpath"]) == ("t.j2", str(source), "/etc/t")


def test_bytes_that_are_no_utf8_go_through(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xe4{{ 1 + 1 }}\xff\n{% include 'other' %}")
    (tmp_path / "other").write_bytes(b"\x80")
    templar = Templar(variables={})
    made = templar.render_file("latin", search=[tmp_path])
    assert made.encode(errors="surrogateescape") == b"\xe42\xff\n\x80"


def test_a_template_that_is_a_vault_is_opened(tmp_path: Path) -> None:
    secrets = VaultSecrets({"default": b"secret"})
    (tmp_path / "t.j2").write_bytes(secrets.encrypt(b"x is {{ x }}\n"))
    assert Templar(variables={"x": 1, "__vault__": secrets}).render_file("t.j2", search=[tmp_path]) == "x is 1\n"
    for variables in ({}, {"__vault__": VaultSecrets({"default": b"another"})}):
        with pytest.raises(TemplateError, match=r"t\.j2"):
            Templar(variables=variables).render_file("t.j2", search=[tmp_path])
