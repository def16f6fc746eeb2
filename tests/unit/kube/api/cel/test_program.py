"""Expressions give what the language says; what can't be compiled or run says why; a run is bounded."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from provisioner.kube.api import cel
from provisioner.kube.api.cel.values import plain

OBJECT: dict[str, Any] = {
    "metadata": {"name": "web", "labels": {"a/b": "c"}},
    "spec": {"replicas": 3, "l": [1, 2, 3], "m": {"a": {"x": 1}}, "foo-bar": 1, "namespace": "q", "s": "ABC"},
}

GIVES: tuple[tuple[str, Any], ...] = (
    ("object.spec.replicas > 2 && object.spec.s == 'ABC'", True),
    ("has(object.spec.foo)", False),
    ("!has(object.spec.foo) || object.spec.foo == 1", True),
    ("object.spec.missing || true", True),
    ("false && object.spec.missing", False),
    ("object.spec.foo__dash__bar + object.spec.`foo-bar`", 2),
    ("object.spec.__namespace__", "q"),
    ("object.metadata.labels['a/b']", "c"),
    ("object.?spec.?foo.orValue(3)", 3),
    ("object.spec.l[?9].orValue(7)", 7),
    ("object.spec.?m.?a.?x.hasValue()", True),
    ("optional.of(2).optMap(x, x + 1).value()", 3),
    ("object.spec.l.all(i, i > 0) && object.spec.l.exists(i, i == 2) && object.spec.l.exists_one(i, i > 2)", True),
    ("object.spec.l.filter(i, i > 1).map(i, i * 2)", [4, 6]),
    ("object.spec.l.map(i, i > 2, i)", [3]),
    ("object.spec.m.all(k, v, k == 'a' && v.x == 1)", True),
    ("[1, 2].transformList(i, v, i + v)", [1, 3]),
    ("{'a': 1}.transformMap(k, v, v + 1)", {"a": 2}),
    ("{'a': 1, ?'b': optional.none()}", {"a": 1}),
    ("[1, ?optional.of(2), ?optional.none()]", [1, 2]),
    ("cel.bind(x, 3, x + 1)", 4),
    ("1 == 1.0 && 1u == 1 && 3 > 2.5", True),
    ("1 == true", False),
    ("-7 / 2 == -3 && -7 % 2 == -1", True),
    ("-9223372036854775808 < 0", True),
    ("int('-7') + int(2.9) + int(-2.9) + int('+1')", -6),
    ("uint('7') + uint(2.9)", 9),
    ("1.5 / (0.0 / -2.0) < 0.0 && -1.0 / 0.0 < 0.0 && string(0.0 / 0.0) == 'NaN'", True),
    ("[double('1.5e3'), double('.5'), double('-2'), double('Infinity')].map(v, string(v))", ["1500", "0.5", "-2", "+Inf"]),
    (
        "[1e6, 123456.0, 1234567.0, 0.0001, 0.00001, -0.0, 9223372036854775807.0].map(v, string(v))",
        ["1e+06", "123456", "1.234567e+06", "0.0001", "1e-05", "-0", "9.223372036854776e+18"],
    ),
    (r"'a\n'.matches('^a$')", False),
    (r"'äb'.matches(r'^\pL+$') && 'ab'.matches('^[[:alpha:]]+$') && !'ä'.matches(r'^\w$') && 'a\nb'.matches('(?m)a$')", True),
    ("('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' + '!').matches('^(a+)+$')", False),
    ("type(1) == int && type('a') == string && type(object) == map", True),
    ("'a,b'.split(',').join('-') + 'x'.upperAscii()", "a-bX"),
    ("'%s has %d of %.1f'.format(['a', 3, 2.55])", "a has 3 of 2.5"),
    ("'hello world'.find('w[a-z]+') + 'abc'.substring(1, 2) + 'tacocat'.replace('c', 'k', 1)", "worldbtakocat"),
    ("'a1b22'.findAll('[0-9]+')", ["1", "22"]),
    (r"r'\d' + '\u0041' + '''it's'''", "\\dAit's"),
    ("[3, 1, 2].max() + [3, 1, 2].min() + [1, 2].sum()", 7),
    ("[1, 2, 2].isSorted() && [1, 2].indexOf(2) == 1", True),
    ("duration('1h30m').getMinutes()", 90),
    ("timestamp('2024-01-01T00:00:00Z') + duration('1h') == timestamp('2024-01-01T01:00:00Z')", True),
    ("timestamp('2024-03-05T06:07:08Z').getMonth()", 2),
    ("timestamp('2024-01-01T23:00:00Z').getDate('+02:00')", 2),
    ("quantity('1Gi').isGreaterThan(quantity('900Mi')) && quantity('2').add(1) == quantity('3')", True),
    ("quantity('1500m').isInteger()", False),
    ("url('https://user@host:80/p?q=1').getHostname() + url('https://h:80/').getPort()", "host80"),
    ("url('https://h/a b').getEscapedPath() + url('https://h/a%20(b)').getEscapedPath()", "/a%20b/a%20(b)"),
    ("isURL('no url') || isIP('300.0.0.1') || isQuantity('x')", False),
    ("cidr('10.0.0.0/8').containsIP('10.1.1.1') && ip('::1').isLoopback() && !ip.isCanonical('::0:1')", True),
    ("semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc1').isLessThan(semver('1.0.0'))", True),
    ("format.dns1123Label().validate('Not_One').hasValue()", True),
    ("format.dns1123Label().validate('one').hasValue()", False),
    ("sets.contains([1, 2, 3], [2]) && math.greatest(1, 5) == 5", True),
    ("Object{spec: Object.spec{replicas: 4, ?other: optional.none()}}", {"spec": {"replicas": 4}}),
    ("'x' in ['x'] && 'spec' in object ? 'yes' : 'no' // a comment", "yes"),
)

FAILS = (
    ("object.spec.foo", "no such key: foo"),
    ("object.spec.l[7]", "index out of bounds: 7"),
    ("1 + 'a'", "no such overload"),
    ("9223372036854775807 + 1", "integer overflow"),
    ("1 / 0", "division by zero"),
    ("'a' < 1", "no such overload"),
    ("object.spec.l && true", "no such overload"),
    ("optional.none().value()", "dereference"),
    ("quantity('x')", "quantities must match"),
    ("duration('x')", "invalid duration"),
    ("-(-9223372036854775808)", "integer overflow"),
    ("-1u", "no such overload"),
    ("int(-9223372036854775808.0)", "integer overflow"),
    ("int(double('nan'))", "integer overflow"),
    ("uint(-1)", "unsigned integer overflow"),
    ("uint(-0.5)", "unsigned integer overflow"),
    ("1u + 1", "no such overload"),
    ("5.0 % 2.0", "no such overload"),
    ("int(' 1')", 'strconv.ParseInt: parsing " 1": invalid syntax'),
    ("int('1_0')", "invalid syntax"),
    ("uint('-1')", "strconv.ParseUint"),
    ("double('1.5\\n')", "strconv.ParseFloat"),
    ("double('1e999')", "value out of range"),
    ("'a'.matches('(?=x)')", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
    ("'%d %d'.format([1])", "not enough arguments"),
)

DOES_NOT_COMPILE = (
    ("object.spec == ", "Syntax error"),
    ("unknown > 1", "undeclared reference to 'unknown'"),
    ("object.frobnicate()", "undeclared reference to 'frobnicate'"),
    ("size()", "no matching overload"),
    ("Other{a: 1}", "undeclared reference to 'Other'"),
    ("[1, 2", "expecting ']'"),
    ("has(object)", "invalid argument to has() macro"),
    ("'a\nb'", "token recognition error"),
    ("(" * 100 + "1" + ")" * 100, "recursion limit"),
    ("!" * 100 + "true", "recursion limit"),
    ("let > 1", "reserved identifier"),
    ("object.spec.l.all(i + 1, true)", "must be a simple name"),
    ("1 " + "+ 1" * 10_000, "longer than"),
)


@pytest.mark.parametrize(("text", "wanted"), GIVES, ids=[text for text, _ in GIVES])
def test_gives(text: str, wanted: Any) -> None:
    found = plain(cel.compile(text, ["object"], ["Object"]).run({"object": OBJECT}))
    assert found == wanted and type(found) is type(wanted)


@pytest.mark.parametrize(("text", "message"), FAILS, ids=[text for text, _ in FAILS])
def test_fails(text: str, message: str) -> None:
    program = cel.compile(text, ["object"])
    with pytest.raises(cel.CelError, match=re.escape(message)):
        program.run({"object": OBJECT})


@pytest.mark.parametrize(("text", "message"), DOES_NOT_COMPILE, ids=[text[:30] for text, _ in DOES_NOT_COMPILE])
def test_does_not_compile(text: str, message: str) -> None:
    with pytest.raises(cel.CelError) as caught:
        cel.compile(text, ["object"])
    assert message in str(caught.value)


def test_an_error_points_at_its_place() -> None:
    with pytest.raises(cel.CelError) as caught:
        cel.compile("object.a &&\n  nothing", ["object"])
    assert "ERROR: <input>:2:3:" in str(caught.value) and str(caught.value).endswith(" | ..^")


def test_a_run_is_bounded_and_no_operator_forgives_that() -> None:
    program = cel.compile("items.all(a, items.all(b, items.all(c, a + b + c >= 0))) || true", ["items"])
    with pytest.raises(cel.CelError, match="cost limit exceeded"):
        program.run({"items": list(range(200))})
    assert program.run({"items": [1, 2]}) is True


def test_several_runs_share_a_budget() -> None:
    budget = cel.Budget(9)
    program = cel.compile("1 + 1 + 1", [])
    program.run({}, budget)
    with pytest.raises(cel.CelError):
        program.run({}, budget)


def test_a_value_can_be_worked_out_when_it_is_asked_for() -> None:
    asked: list[int] = []

    def value() -> int:
        asked.append(1)
        return 5

    program = cel.compile("object.cheap || variables.dear > 1", ["object", "variables"])
    assert program.run({"object": {"cheap": True}, "variables": {"dear": value}}) is True and not asked
    assert program.run({"object": {"cheap": False}, "variables": {"dear": value}}) is True and asked


def test_the_clock_is_no_part_of_the_language() -> None:
    moment = cel.compile("timestamp(text)", ["text"]).run({"text": "2024-01-01T02:00:00+02:00"})
    assert moment == datetime(2024, 1, 1, tzinfo=UTC)
