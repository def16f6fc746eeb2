"""Proves the filters of community.general by calls and what the collection answered to the same ones."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.templating import Templar
from provisioner.templating.errors import PluginError

ANSWERS: list[tuple[str, Any]] = [
    ("{'a':1} | community.general.dict_kv('k')", {"k": {"a": 1}}),
    ("[{'n':'x','v':1},{'n':'y'}] | community.general.groupby_as_dict('n')", {"x": {"n": "x", "v": 1}, "y": {"n": "y"}}),
    ("['1.10','1.9','2.0rc1','2.0','1.2.3'] | community.general.version_sort", ["1.2.3", "1.9", "1.10", "2.0", "2.0rc1"]),
    ("['1.10','1.9'] | community.general.version_sort(reverse=true)", ["1.10", "1.9"]),
    ("'a,b\n1,2\n3,4' | community.general.from_csv", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
    ("'a;b\n1;2' | community.general.from_csv(delimiter=';')", [{"a": "1", "b": "2"}]),
    ("'1,2' | community.general.from_csv(fieldnames=['x','y'])", [{"x": "1", "y": "2"}]),
    ("'[s]\nA=1\nb = x y\n[t]\nc=2\n' | community.general.from_ini", {"s": {"A": "1", "b": "x y"}, "t": {"c": "2"}}),
    ("'[DEFAULT]\nz=1\n[s]\nA=1\n' | community.general.from_ini", {"s": {"z": "1", "A": "1"}, "DEFAULT": {"z": "1"}}),
    ("{'s':{'A':1,'b':'x'}} | community.general.to_ini", "[s]\nA = 1\nb = x\n"),
    (
        "[[{'n':'a','v':1},{'n':'b','v':[1]}],[{'n':'a','w':2},{'n':'b','v':[2]}]] | community.general.lists_mergeby('n')",
        [{"n": "a", "v": 1, "w": 2}, {"n": "b", "v": [2]}],
    ),
    (
        "[{'n':'b','v':[1]},{'n':'a','v':1}] | community.general.lists_mergeby([{'n':'a','w':2},{'n':'b','v':[2]}],'n',recursive=true,list_merge='append')",
        [{"n": "a", "v": 1, "w": 2}, {"n": "b", "v": [1, 2]}],
    ),
    (
        "[{'n':'b','v':1},{'n':'a','v':1}] | community.general.lists_mergeby([{'n':'a','w':2}],[{'n':'a','w':3,'v':0}],'n')",
        [{"n": "a", "v": 0, "w": 3}, {"n": "b", "v": 1}],
    ),
    ("[1,2,2] | community.general.lists_union([3,1])", [1, 2, 3]),
    ("[1,2,2] | community.general.lists_intersect([2,3])", [2]),
    ("[1,2,2] | community.general.lists_difference([2,3])", [1]),
    ("[1,2,2] | community.general.lists_symmetric_difference([2,3])", [1, 3]),
    ("[[1,2],[2,3]] | community.general.lists_union(flatten=true)", [1, 2, 3]),
    ("'30m' | community.general.to_seconds", 1800.0),
    ("'1y 2mo 3d' | community.general.to_days", 428.0),
    ("'1y' | community.general.to_days(year=300)", 300.0),
    ("'90s' | community.general.to_minutes", 1.5),
    ("'2hours' | community.general.to_time_unit('minutes')", 120.0),
    ("'abc' | community.general.crc32", "352441c2"),
    ("'abca' | community.general.counter", {"a": 2, "b": 1, "c": 1}),
    ("[1,2,3] | community.general.accumulate | list", [1, 3, 6]),
    ("[{'a_x':1,'b_x':2,'c':3}] | community.general.keep_keys(target=['a_x'])", [{"a_x": 1}]),
    ("[{'a_x':1,'b_x':2,'c':3}] | community.general.keep_keys(target='_x', matching_parameter='ends_with')", [{"a_x": 1, "b_x": 2}]),
    ("[{'a_x':1,'b_x':2,'c':3}] | community.general.remove_keys(target='^[ab]', matching_parameter='regex')", [{"c": 3}]),
    ("[{'a_x':1,'b_x':2,'c':3}] | community.general.remove_keys(target=['a','c'], matching_parameter='starts_with')", [{"b_x": 2}]),
    ("[{'a_x':1,'c':3}] | community.general.replace_keys(target=[{'before':'a_x','after':'A'}])", [{"A": 1, "c": 3}]),
    (
        "[{'a_x':1,'c':3}] | community.general.replace_keys(target=[{'before':'a','after':'A'}], matching_parameter='starts_with')",
        [{"A": 1, "c": 3}],
    ),
    ("'é' | community.general.unicode_normalize('NFD') | length", 2),
]
REFUSED = [
    ("[{'n':'x'},{'n':'x'}] | community.general.groupby_as_dict('n')", "Multiple sequence entries have attribute value 'x'"),
    ("[{'n':'x'},{'m':'x'}] | community.general.groupby_as_dict('n')", "Attribute not contained in element #1 of sequence"),
    ("'52:zz:' | community.general.random_mac", "Invalid value (52:zz:) for random_mac: zz not hexa byte,empty item"),
    ("5 | community.general.random_mac", "Invalid value type (<class 'int'>) for random_mac (5)"),
    ("'a,b' | community.general.from_csv(dialect='no')", "Dialect 'no' is not supported by your version of python."),
    ("{} | community.general.to_ini", "to_ini received an empty dict. An empty dict cannot be converted."),
    ("'5 hours' | community.general.to_seconds", "to_time_unit() can not interpret following string: 5 hours"),
    ("'2x' | community.general.to_seconds", "to_time_unit() can not interpret following string: 2x"),
    ("[{'a':1}] | community.general.keep_keys(target=[])", "The target can't be empty."),
    (
        "[{'a':1}] | community.general.keep_keys(target='a', matching_parameter='no')",
        "The matching_parameter must be one of ['equal', 'starts_with', 'ends_with', 'regex']. matching_parameter=no",
    ),
    ("5 | community.general.keep_keys(target='a')", "First argument must be a list. 5 is <class 'int'>"),
]


@pytest.mark.parametrize(("expression", "expected"), ANSWERS)
def test_a_filter_answers_as_the_collection_does(expression: str, expected: Any) -> None:
    answer = Templar().evaluate(expression)
    assert (answer, type(answer)) == (expected, type(expected))


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_a_wrong_call_says_what_the_collection_says(expression: str, message: str) -> None:
    with pytest.raises(PluginError) as caught:
        Templar().evaluate(expression)
    assert str(caught.value).endswith(message)


def test_a_mac_for_a_seed_is_always_the_same() -> None:
    assert Templar().evaluate("'52:54:00' | community.general.random_mac(seed='h1')") == "52:54:00:dc:83:82"
    assert Templar().evaluate("('52:54:00' | random_mac) is match('52:54:00(:[0-9a-f]{2}){3}$')")
