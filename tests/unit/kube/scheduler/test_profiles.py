"""Proves what a KubeSchedulerConfiguration makes of the scoring plugins, and that mistakes are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.kube.client.kubeconfig import ConfigError
from provisioner.kube.scheduler.profiles import DEFAULT, Profile, profiles_of, read
from provisioner.kube.scheduler.scores import SCORES, image_locality, most_allocated


def made(tmp_path: Path, *profiles: dict[str, Any], **more: Any) -> list[Profile]:
    path = tmp_path / "config.yaml"
    document = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration", **more}
    path.write_text(yaml.safe_dump(document | ({"profiles": list(profiles)} if profiles else {})))
    return profiles_of(read(path))


def test_without_profiles_there_is_the_default_one(tmp_path: Path) -> None:
    assert made(tmp_path) == [DEFAULT]


def test_plugins_are_chosen_and_weighed(tmp_path: Path) -> None:
    only = {"disabled": [{"name": "*"}], "enabled": [{"name": "ImageLocality", "weight": 5}]}
    less = {"disabled": [{"name": "ImageLocality"}], "enabled": [{"name": "NodeAffinity", "weight": 9}]}
    first, second = made(
        tmp_path, {"schedulerName": "one", "plugins": {"score": only}}, {"schedulerName": "two", "plugins": {"multiPoint": less}}
    )
    assert first == Profile("one", ((image_locality, 5.0),))
    assert second.name == "two" and len(second.scores) == len(SCORES) - 1
    assert (SCORES["NodeAffinity"][0], 9.0) in second.scores


def test_nodes_may_be_filled_one_after_the_other(tmp_path: Path) -> None:
    config = {"name": "NodeResourcesFit", "args": {"scoringStrategy": {"type": "MostAllocated"}}}
    (found,) = made(tmp_path, {"pluginConfig": [config]})
    assert (most_allocated, 1.0) in found.scores


@pytest.mark.parametrize(
    ("profiles", "words"),
    [
        ([{"schedulerName": "x"}, {"schedulerName": "x"}], "schedulerName x is there twice"),
        ([{"plugins": {"score": {"enabled": [{"name": "NodeAfinity"}]}}}], r"profiles\[0\].plugins.score: NodeAfinity.*did you mean NodeAffinity"),
        ([{"pluginConfig": [{"name": "NodeResourcesFit", "args": {"scoringStrategy": {"type": "Odd"}}}]}], "Odd: expected one of LeastAllocated, MostAllocated"),
        ([{"schedulerNam": "x"}], "schedulerNam"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, profiles: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        made(tmp_path, *profiles)
