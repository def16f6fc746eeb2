"""Proves the rules of rendering: native values, laziness, undefined variables with hints, omit, and places in errors."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jinja2
import pytest

from provisioner.inventory.documents import LocatedDict
from provisioner.templating import OMIT, Resolved, Templar, TemplateError, UndefinedVariable, Unsafe, with_errors_shown
from provisioner.templating.templar import Engine

VARIABLES: dict[str, Any] = {
    "number": 5,
    "alias": "{{ number }}",
    "items_": [1, "{{ alias }}"],
    "half": {"good": "{{ number }}", "bad": "{{ missing }}"},
    "fact": Resolved("{{ not rendered }}"),
    "raw": Unsafe("{{ nor this }}"),
    "loop_a": "{{ loop_b }}",
    "located": LocatedDict(a=1),
    "loop_b": "{{ loop_a }}",
    "flag_text": "false",
    "condition_text": "number == 5",
}


def templar() -> Templar:
    return Templar(variables=VARIABLES)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{{ alias }}", 5),
        ("v{{ alias }}", "v5"),
        ("{{ 'inf' | float }}", float("inf")),
        ("a {{ 'nan' | float }} {{ '1.5' | float + 1 }} {{ 'x' | float(2.5) }}", "a nan 2.5 2.5"),
        ("{{ items_ }}", [1, 5]),
        ("{{ half.good }}", 5),
        ("{{ half.bad | default('x') }}", "x"),
        ("{{ half.bad is defined }}", False),
        ("{{ fact }}", "{{ not rendered }}"),
        ("{{ raw }}", "{{ nor this }}"),
        ("{{ nothing.at.all | default(omit) }}", OMIT),
        ("{{ 5 }}", 5),
        ("{{ None }}", None),
        ("a{{ None }}b", "ab"),
        ("{{ 'x' }}{{ 'y' }}", "xy"),
        ("{{ None }}{{ items_ }}{{ None }}", [1, 5]),
        ("{{ None }}{{ 5 }}", 5),
        ("{{ None }}{{ None }}", None),
        ("a{{ omit }}b", "ab"),
        ("{{ vars['alias'] }}", 5),
        ({"k{{ number }}": ["{{ number }}"]}, {"k{{ number }}": [5]}),
        ("{% for i in items_ %}{{ i }};{% endfor %}", "1;5;"),
        ("{% set x = alias %}{{ x }}", 5),
        ("{% for i in [] %}\n{{ i }}\n{% endfor %}\n", None),
        ("{% if number > 5 %}\n{{ number }}\n{% endif %}\n\n", None),
        ("{% macro m() %}{% if false %}x{% endif %}{% endmacro %}[{{ m() }}]", "[]"),
        ("plain", "plain"),
        (7, 7),
    ],
)
def test_render(value: Any, expected: Any) -> None:
    assert templar().render(value) == expected


def test_omitted_parameters_are_left_out_at_any_depth() -> None:
    rendered = templar().render_arguments({"a": "{{ omit }}", "b": [1, "{{ nope | default(omit) }}"], "c": {"d": "{{ omit }}"}})
    assert rendered == {"b": [1], "c": {}}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{{ numbr }}", "'numbr' is undefined. Did you mean 'number'?"),
        ("{{ half.worse }}", "has no attribute 'worse'"),
        ("{{ half }}", "'missing' is undefined"),
        ("{{ half | to_json }}", "'missing' is undefined"),
        ("{{ missing | upper }}", "'missing' is undefined"),
        ("a list: {{ [number, missing] }}", "'missing' is undefined"),
        ("{{ {'a': missing} ~ '' }}", "'missing' is undefined"),
    ],
)
def test_undefined_is_an_error_with_a_hint(value: str, message: str) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        templar().render(value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{{ loop_a }}", "defined by itself"),
        ("{{ number | nofilter }}", "No filter named 'nofilter'"),
        ("{{ unclosed", "Syntax error in template"),
        ("{{ number | from_json }}", "from_json"),
        ("{{ lookup('nolookup') }}", "lookup plugin 'nolookup' was not found"),
        ("{{ located | combine('x') }}", "expected dicts but got a 'dict' and a 'str'."),
        ("{{ 'x' | combine({}) }}", "expected dicts but got a 'str' and a 'dict'."),
        ("{{ '42' | human_readable }}", "'>=' not supported between instances of 'str' and 'int'"),
        ("{{ none | basename }}", "expected str, bytes or os.PathLike object, not NoneType"),
        ("{{ lookup('password', '/dev/null wrong=1') }}", "Unrecognized parameter(s) given to password lookup: wrong"),
        ("{{ lookup('password', '/dev/null length=1 stray') }}", "Unrecognized value after key=value parameters"),
        ("{{ lookup('password', '/dev/null length=x') }}", "Invalid value provided for 'integer': 'x'"),
        ("{{ lookup('sequence', 'end=3 format=%q') }}", "problem formatting 1 with '%q'"),
        ("{{ namespace(a=1) }}", "Type 'Namespace' is unsupported for variable storage."),
        ("{% include 'no.j2' %}", "'no.j2' not found"),
        ("{{ none_such | mandatory }}", "Mandatory variable 'none_such' not defined."),
    ],
)
def test_other_errors(value: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Templar([Path("/nowhere")], VARIABLES).render(value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("number == 5", True),
        ("alias is defined and alias > 5", False),
        ("{{ condition_text }}", True),
        ("flag_text | bool", False),
        (" number == 5 ", True),
        ("number and true", True),
        (True, True),
        ("missing is not defined", True),
        ("'x' in ['x']", True),
        ("number in items_", True),
    ],
)
def test_conditions(condition: Any, expected: bool) -> None:
    assert templar().condition(condition) is expected


_NO_BOOLEAN = "Conditional result ({}) was derived from value of type '{}' at 'site.yml:3:7'. Conditionals must have a boolean result."


@pytest.mark.parametrize(
    ("condition", "message", "allowed"),
    [
        ("flag_text", _NO_BOOLEAN.format(True, "str"), True),
        ("number", _NO_BOOLEAN.format(True, "int"), True),
        ("{{ number }}", _NO_BOOLEAN.format(True, "int"), True),
        ("items_ | length - 2", _NO_BOOLEAN.format(False, "int"), False),
        ("none", _NO_BOOLEAN.format(False, "NoneType"), False),
        ("items_", _NO_BOOLEAN.format(True, "list"), True),
        (0, "Conditional expressions must be strings.", False),
        (["number"], "Conditional expressions must be strings.", True),
        ("", "Empty conditional expressions are not allowed.", True),
        (None, "Empty conditional expressions are not allowed.", True),
        ("{% if false %}false{% endif %}", "Empty conditional expressions are not allowed.", True),
        ("{{ '' }}", "Empty conditional expressions are not allowed.", True),
    ],
)
def test_a_condition_that_is_no_boolean_is_an_error_unless_such_are_allowed(condition: Any, message: str, allowed: bool) -> None:
    with pytest.raises(TemplateError) as caught:
        templar().condition(condition, "site.yml:3:7")
    assert str(caught.value) == message
    assert Templar(variables=VARIABLES, engine=Engine(broken_conditions=True)).condition(condition) is allowed


def test_values_are_rendered_only_when_used() -> None:
    assert Templar(variables={"a": "{{ lookup('pipe', 'exit 3') }}", "b": 1}).render("{{ b }}") == 1


def test_local_variables_are_final_and_shadow() -> None:
    assert templar().with_local({"number": "{{ x }}"}).render("{{ number }}") == "{{ x }}"


def test_files_name_template_and_line(tmp_path: Path) -> None:
    (tmp_path / "t.j2").write_text("one\ntwo\n{{ numbr }}\n")
    with pytest.raises(UndefinedVariable, match="Did you mean 'number'") as caught:
        templar().render_file("t.j2", search=[tmp_path])
    assert (Path(caught.value.template).name, caught.value.line) == ("t.j2", 3)


def test_files_include_others_with_the_same_variables(tmp_path: Path) -> None:
    (tmp_path / "outer.j2").write_text(
        "{% set own = 1 %}{% for i in [1] %}\n{% include 'inner.j2' %}\n{% endfor %}{% import 'm.j2' as m with context %}{{ m.f() }}\n"
    )
    (tmp_path / "inner.j2").write_text("{{ alias }} {{ own }} {{ i }}\n")
    (tmp_path / "m.j2").write_text("{% macro f() %}{{ number }}{% endmacro %}")
    assert templar().render_file("outer.j2", search=[tmp_path]) == "5 1 15\n"  # an included file's last line end is not its own


def test_syntax_error_in_a_file_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "t.j2").write_text("fine\n{% if %}\n")
    with pytest.raises(TemplateError) as caught:
        templar().render_file("t.j2", search=[tmp_path])
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("{{ a }} and {{ a + 1 }}", "1 and 2"),
        ("x {{ nope }} y", "x << error 1 - 'nope' is undefined >> y"),
        (
            "{{ a }} {{ nope }} {{ 1 / 0 }}",
            "1 << error 1 - 'nope' is undefined >> << error 2 - Error rendering template: division by zero >>",
        ),
        ("{{ aa }}", "<< error 1 - 'aa' is undefined >>"),
        ("{{ text\n}}", "<< error 1 - 'text' is undefined >>"),
    ],
)
def test_what_cannot_be_shown_in_a_name_shows_its_error(text: str, shown: str) -> None:
    assert with_errors_shown(text, Templar(variables={"a": 1, "aaa": 2})) == shown


def test_hosts_that_come_at_the_same_time_share_what_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.j2").write_text("{{ n }}")
    compiled: list[str] = []
    compile_ = jinja2.Environment.compile

    def counted(environment: jinja2.Environment, source: str, *args: Any, **known: Any) -> Any:
        compiled.append(source)
        return compile_(environment, source, *args, **known)

    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    engine, hosts = Templar().engine, 8
    together = threading.Barrier(hosts, timeout=60)

    def render(n: int) -> tuple[str, Any]:
        one = Templar(variables={"n": n}, engine=engine)
        together.wait()
        return one.render_file("t.j2", search=[tmp_path]), one.render("{{ n + 1 }}")

    with ThreadPoolExecutor(hosts) as pool:
        assert list(pool.map(render, range(hosts))) == [(str(n), n + 1) for n in range(hosts)]
    assert len(compiled) == len(set(compiled)) == 2
