"""Proves filters, tests and lookups by tables of expressions and the values Ansible documents for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.templating import Templar, TemplateError
from provisioner.templating.plugins import add_folders, builtin_plugins
from provisioner.templating.templar import Engine

EXPRESSIONS: list[tuple[str, Any]] = [
    ("{'a': {'b': 1, 'c': [1]}} | combine({'a': {'c': [2]}}, recursive=true, list_merge='append')", {"a": {"b": 1, "c": [1, 2]}}),
    ("none | combine({'a': 1}, none)", {"a": 1}),
    ("['x'] | combine | lower", "x"),
    ("{'l': [1]} | combine({'l': [2]}, none, {'l': [3]}, list_merge='append')", {"l": [1, 2, 3]}),
    ("{'l': [1]} | combine({'l': [1]}, list_merge='append')", {"l": [1]}),
    ("('x' | password_hash('sha512', '')) | length", 120),
    ("none | from_yaml_all", []),
    ("5 | shuffle", 5),
    ("{'a': 1} | union(['b'])", ["a", "b"]),
    ("lookup('first_found', 'passwd', paths=['/etc'])", "/etc/passwd"),
    ("lookup('password', '/dev/null chars=a,, length=40 seed=q')", "aa,,,,aaaaaa,,,aaaaaa,,,aa,,a,a,aaaaaaa,"),
    ("lookup('password', '/dev/null chars=whitespace,x length=10 seed=q')", "\r\n \t\t\x0bx\x0b\t\x0b"),
    ("[1, omit, {'a': omit, 'b': [omit]}]", [1, {"b": []}]),
    ("{'a': 1} | dict2items", [{"key": "a", "value": 1}]),
    ("[{'key': 'a', 'value': 1}] | items2dict", {"a": 1}),
    ("{'b': 1, 'a': [2]} | to_json", '{"b": 1, "a": [2]}'),
    ("{'b': 1, 'a': [2]} | to_nice_json", '{\n    "a": [\n        2\n    ],\n    "b": 1\n}'),
    ("{'a': [1, 2]} | to_nice_yaml", "a:\n- 1\n- 2\n"),
    ("'{\"a\": 1}' | from_json", {"a": 1}),
    ("'a: [1]' | from_yaml", {"a": [1]}),
    ("[1, [2, [3]]] | flatten", [1, 2, 3]),
    ("[1, [2, [3]]] | flatten(levels=1)", [1, 2, [3]]),
    ("[{'n': 'x', 'k': [1, 2]}] | subelements('k')", [[{"n": "x", "k": [1, 2]}, 1], [{"n": "x", "k": [1, 2]}, 2]]),
    ("[1, 2] | zip(['a', 'b']) | list", [[1, "a"], [2, "b"]]),
    ("['a', 'b'] | map('extract', {'a': 1, 'b': 2}) | list", [1, 2]),
    ("{'a': [{'n': 1}, {'n': 2}]} | json_query('a[].n')", [1, 2]),
    ("[3, 1, 3] | unique", [3, 1]),
    ("[1, 2] | union([2, 3])", [1, 2, 3]),
    ("[1, 2] | difference([2])", [1]),
    ("[1, 2] | symmetric_difference([2, 3])", [1, 3]),
    ("'Hello' | b64encode", "SGVsbG8="),
    ("'SGVsbG8=' | b64decode", "Hello"),
    ("'a b' | quote", "'a b'"),
    ("'ansible' | regex_replace('^(.)', '\\\\1-')", "a-nsible"),
    ("'server1/db42' | regex_search('server([0-9]+)/db([0-9]+)', '\\\\1', '\\\\2')", ["1", "42"]),
    ("'abc' | regex_search('x')", None),
    ("'a1b2' | regex_findall('[0-9]')", ["1", "2"]),
    ("'^a.*$' | regex_escape", "\\^a\\.\\*\\$"),
    ("'yes' | bool", True),
    ("true | ternary('a', 'b')", "a"),
    ("'x' | hash('sha256')", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
    ("'test1' | hash", "b444ac06613fc8d63795be9ad0beaf55011936ac"),
    ("'secret' | password_hash('sha512', 'saltsalt')", "$6$saltsalt$"),
    ("'/a/b.tar.gz' | basename", "b.tar.gz"),
    ("'/a/b.txt' | splitext", ["/a/b", ".txt"]),
    ("['/a', 'b'] | path_join", "/a/b"),
    ("'http://u:p@h:1/x?q=1' | urlsplit('hostname')", "h"),
    ("1048576 | human_readable", "1.00 MB"),
    ("'1.5G' | human_to_bytes", 1610612736),
    ("'plain' | comment", "#\n# plain\n#"),
    ("('2016-08-14 20:00:12' | to_datetime - '2015-12-25 00:00:00' | to_datetime).days", 233),
    ("'%Y' | strftime(0, utc=true)", "1970"),
    ("['a', 'b', 'c'] | shuffle(seed='x') | length", 3),
    ("59 | random(seed='x') == 59 | random(seed='x')", True),
    ("'192.0.2.1/24' | ansible.utils.ipaddr('network/prefix')", "192.0.2.0/24"),
    ("'192.0.2.0/24' | ipaddr('-1')", "192.0.2.255/24"),
    ("['192.0.2.1', 'x', '::1'] | ipv4", ["192.0.2.1"]),
    ("'10.0.0.0/8' | ipsubnet(16, 1)", "10.1.0.0/16"),
    ("'10.0.0.0/8' | ansible.utils.nthhost(305)", "10.0.1.49"),
    ("'::1' | ipwrap", "[::1]"),
    ("'10.0.0.5' | ipmath(3)", "10.0.0.8"),
    ("'10.0.0.0/8' | network_in_network('10.2.0.0/16')", True),
    ("['10.0.0.0/25', '10.0.0.128/25'] | cidr_merge", ["10.0.0.0/24"]),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('cisco')", "1a2b.3c4d.5e6f"),
    ("[{'a': 1}, {'a': 2}] | groupby('a') | map('first') | list", [1, 2]),
    ("{'failed': true} is failed", True),
    ("{'changed': true} is changed", True),
    ("{'skipped': true} is skipped", True),
    ("{} is success", True),
    ("{'results': [{'changed': true}]} is changed", True),
    ("'1.10' is version('1.9', '>')", True),
    ("'1.2.3-rc1' is version('1.2.3', '<', version_type='semver')", True),
    ("'v1.3' is version('v1.2', '>')", True),
    ("'12.04' is version('12', 'ge')", True),
    ("'abc' is match('b')", False),
    ("'abc' is search('b')", True),
    ("[1] is subset([1, 2])", True),
    ("[1, 2] is superset([1])", True),
    ("[1, 2] is contains(1)", True),
    ("'/' is directory", True),
    ("'/nope' is exists", False),
    ("'' is falsy", True),
    ("[true, false] is any", True),
    ("lookup('sequence', 'start=0 end=4 stride=2')", "0,2,4"),
    ("query('sequence', 'start=2 end=\"3\" format=\\'h%02d\\'')", ["h02", "h03"]),
    ("query('sequence', '2-4:host%02d')", ["host02", "host03", "host04"]),
    ("query('nested', ['a'], [1, 2])", [["a", 1], ["a", 2]]),
    ("query('together', ['a', 'b'], [1])", [["a", 1], ["b", None]]),
    ("query('dict', {'a': 1})", [{"key": "a", "value": 1}]),
    ("query('indexed_items', ['a', 'b'])", [[0, "a"], [1, "b"]]),
    ("lookup('pipe', 'echo hi')", "hi"),
    ("query('lines', 'printf \"1\\n2\\n\"')", ["1", "2"]),
    ("lookup('vars', 'size')", 3),
    ("lookup('vars', 'absent', default='none')", "none"),
    ("query('varnames', '^si')", ["size"]),
    ("lookup('env', 'NOT_SET_AT_ALL', default='x')", "x"),
    ("lookup('ansible.builtin.items', [1, [2]], wantlist=true)", [1, [2]]),
    ("query('pipe', 'false', errors='ignore')", []),
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS, ids=[e[0][:60] for e in EXPRESSIONS])
def test_expression(expression: str, expected: Any) -> None:
    found = Templar(variables={"size": 3}).evaluate(expression)
    if isinstance(expected, str) and expected.startswith("$6$"):
        assert found == "$6$rounds=656000$saltsalt$Vg7us3Hcq8rplCTNjwvGRwObM2xyfDZZ.XP2YLQ.ii85wAq/psu28uEfoMveNszsQWMgkWRxbZm2mBBlNn3.J0"
    else:
        assert found == expected


def test_lookups_find_files_beside_the_role(tmp_path: Path) -> None:
    for folder, name, content in [
        ("files", "a.txt", "text\n"),
        ("files", "b.txt", "b"),
        ("templates", "t.j2", "size {{ size }}\n"),
        ("files", "x.ini", "[s]\nk = v\n"),
        ("files", "x.csv", "a,1\nb,2\n"),
    ]:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(content)
    templar = Templar([tmp_path], {"size": 3})
    assert templar.evaluate("lookup('file', 'a.txt')") == "text"
    assert templar.evaluate("lookup('template', 't.j2')") == "size 3\n"
    assert templar.evaluate("query('fileglob', '*.txt') | map('basename') | list") == ["a.txt", "b.txt"]
    assert templar.evaluate("lookup('first_found', ['no.txt', 'files/b.txt']) | basename") == "b.txt"
    assert templar.evaluate("query('first_found', {'files': ['no'], 'skip': true})") == []
    assert templar.evaluate("lookup('ini', 'k', section='s', file='x.ini')") == "v"
    assert templar.evaluate("lookup('csvfile', 'b', file='x.csv', delimiter=',')") == "2"
    (tmp_path / "files" / "spaced.csv").write_text("a 1 2\n")
    assert templar.evaluate("lookup('csvfile', \"a file='spaced.csv' delimiter=' ' col=2\")") == "2"
    first = templar.evaluate(f"lookup('password', '{tmp_path}/pw', length=12)")
    assert len(first) == 12 and templar.evaluate(f"lookup('password', '{tmp_path}/pw', length=12)") == first
    assert (tmp_path / "pw").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        (r"'21/42' | regex_search('none', '\\x')", "is no group"),
        ("'21/42' | regex_search('none', 'x')", "Unknown argument"),
        ("lookup('csvfile', '', file='/etc/hosts')", "Search key is required"),
        ("lookup('env', 'NOT_SET_AT_ALL', default=undef('set it'))", "set it"),
    ],
)
def test_what_is_wrong_with_a_call(expression: str, told: str) -> None:
    with pytest.raises(TemplateError, match=told):
        Templar().evaluate(expression)


@pytest.mark.parametrize("expression", ["'1.a' is version('1.2', '>')", "'v1.2' is version('1.2', '==')"])
def test_versions_that_cannot_be_compared(expression: str) -> None:
    with pytest.raises(TemplateError, match="Version comparison failed: '<' not supported"):
        Templar().evaluate(expression)


def test_plugins_of_people_merge_mappings_as_combine_does(tmp_path: Path) -> None:
    (tmp_path / "filter_plugins").mkdir()
    (tmp_path / "filter_plugins" / "own.py").write_text(
        "from ansible.utils.vars import combine_vars, merge_hash\n"
        "class FilterModule:\n"
        "    def filters(self):\n"
        "        return {'laid': combine_vars, 'merged': lambda a, b: merge_hash(a, b, recursive=False, list_merge='append')}\n"
    )
    plugins = builtin_plugins()
    assert add_folders(plugins, [tmp_path]) == []
    templar = Templar(variables={"a": {"l": [1], "d": {"x": 1}}, "b": {"l": [2], "d": {"y": 2}}}, engine=Engine(plugins))
    assert templar.evaluate("a | laid(b)") == {"l": [2], "d": {"y": 2}}
    assert templar.evaluate("a | laid(b, true)") == {"l": [2], "d": {"x": 1, "y": 2}}
    assert templar.evaluate("a | merged(b)") == {"l": [1, 2], "d": {"y": 2}}


WARNED: list[tuple[str, Any, list[str]]] = [
    ("lookup('sequence', 'end=x', errors='warn')", None, ["An error occurred while running the lookup plugin 'sequence': "]),
    ("lookup('sequence', 'end=x', errors='ignore')", None, []),
    (
        "query('first_found', 'no', errors='warn')",
        [],
        ["An error occurred while running the lookup plugin 'first_found': No file was found"],
    ),
    ("query('fileglob', 'no/*.x', '*.x')", [], ["Unable to find 'no' in expected paths (use -vvvvv to see paths)"]),
]


@pytest.mark.parametrize(("text", "value", "begins"), WARNED, ids=[text for text, _, _ in WARNED])
def test_lookups_warn_of_what_they_pass_over(tmp_path: Path, text: str, value: Any, begins: list[str]) -> None:
    engine, told = Engine(), list[str]()
    engine.warn = told.append
    assert Templar([tmp_path], {}, engine=engine).evaluate(text) == value
    assert len(told) == len(begins)
    assert all(line.startswith(start) for line, start in zip(told, begins, strict=True))
