"""Proves which taints a toleration bears."""

from __future__ import annotations

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.tolerations import tolerated, tolerates

TAINT = core_v1.Taint(key="level", value="950", effect="NoExecute")


@pytest.mark.parametrize(
    ("toleration", "borne"),
    [
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoSchedule"}, False),
        ({"key": "level", "operator": "Exists"}, True),
        ({"key": "other", "operator": "Exists"}, False),
        ({"key": "level", "value": "950"}, True),
        ({"key": "level", "operator": "Equal", "value": "951", "effect": "NoExecute"}, False),
        ({"value": "950"}, False),
        ({"key": "level", "operator": "Gt", "value": "900"}, True),
        ({"key": "level", "operator": "Gt", "value": "950"}, False),
        ({"key": "level", "operator": "Lt", "value": "1000"}, True),
        ({"key": "level", "operator": "Lt", "value": "-5"}, False),
        ({"key": "level", "operator": "Gt", "value": "many"}, False),
        ({"key": "level", "operator": "Gt", "value": "0900"}, False),
    ],
)
def test_taints_that_are_borne(toleration: dict[str, str], borne: bool) -> None:
    assert tolerates(msgspec.convert(toleration, core_v1.Toleration), TAINT) is borne


def test_one_of_several_will_do() -> None:
    assert tolerated([core_v1.Toleration(key="other"), core_v1.Toleration(operator="Exists")], TAINT)
    assert not tolerated(None, TAINT)
