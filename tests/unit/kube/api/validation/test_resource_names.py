"""Proves which names of resources there are, for whom, and which amounts are whole."""

from __future__ import annotations

import pytest

from provisioner.kube.api.validation.resource_names import is_extended, is_shared, wrong_amount, wrong_in_container, wrong_name

UNKNOWN = 'Invalid value: "{}": must be a standard resource type or fully qualified'
NOT_OF_CONTAINERS = 'Invalid value: "{}": must be a standard resource for containers'


@pytest.mark.parametrize(
    ("name", "anywhere", "in_container"),
    [
        ("cpu", [], []),
        ("hugepages-2Mi", [], []),
        ("example.com/gpu", [], []),
        ("storage", [], [NOT_OF_CONTAINERS]),
        ("requests.cpu", [], [NOT_OF_CONTAINERS]),
        ("foo", [UNKNOWN], [UNKNOWN, NOT_OF_CONTAINERS]),
        ("requests.example.com/gpu", [], ['Invalid value: "{}": doesn\'t follow extended resource name standard']),
        ("kubernetes.io/own", [], []),
    ],
)
def test_names(name: str, anywhere: list[str], in_container: list[str]) -> None:
    for found, said in ((wrong_name(name, "p"), anywhere), (wrong_in_container(name, "p"), in_container)):
        assert [problem.message for problem in found] == [text.format(name) for text in said]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("cpu", "1500m", []),
        ("pods", "1500m", ['Invalid value: "1500m": must be an integer']),
        ("example.com/gpu", "0.5", ['Invalid value: "0.5": must be an integer']),
        ("requests.example.com/gpu", "0.5", []),
        ("pods", "-1", ['Invalid value: "-1": must be greater than or equal to 0']),
        ("pods", "many", ['Invalid value: "many": quantities must match the regular expression']),
    ],
)
def test_amounts(name: str, value: str, said: list[str]) -> None:
    found = [problem.message for problem in wrong_amount(name, value, "p")]
    assert len(found) == len(said) and all(map(str.startswith, found, said)), found


def test_what_is_shared_and_what_is_somebody_elses() -> None:
    names = ("cpu", "storage", "hugepages-2Mi", "example.com/gpu", "kubernetes.io/own", "requests.example.com/gpu")
    assert [name for name in names if is_shared(name)] == ["cpu", "storage", "kubernetes.io/own"]
    assert [name for name in names if is_extended(name)] == ["example.com/gpu"]
