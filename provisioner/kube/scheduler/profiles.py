"""Profiles: what the scheduler calls itself to pods, and how it weighs nodes; from a KubeSchedulerConfiguration.

Source: kubescheduler.config.k8s.io/v1, of which the scoring plugins can be chosen and weighed; filters are always all on.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from provisioner.kube.client.config_file import read_config
from provisioner.kube.client.kubeconfig import ConfigError
from provisioner.kube.scheduler.scores import SCORES, STRATEGIES, Score

DEFAULT_NAME = "default-scheduler"


class PluginChoice(msgspec.Struct, frozen=True):
    name: str
    weight: int = 0


class PluginSet(msgspec.Struct, frozen=True):
    enabled: tuple[PluginChoice, ...] = ()
    disabled: tuple[PluginChoice, ...] = ()


class Plugins(msgspec.Struct, frozen=True, rename="camel"):
    """`multi_point` speaks of all of a plugin's parts, `score` of that one and wins."""

    score: PluginSet = PluginSet()
    multi_point: PluginSet = PluginSet()


class PluginConfig(msgspec.Struct, frozen=True):
    name: str
    args: dict[str, Any] = {}


class ProfileSettings(msgspec.Struct, frozen=True, rename="camel"):
    scheduler_name: str = DEFAULT_NAME
    plugins: Plugins = Plugins()
    plugin_config: tuple[PluginConfig, ...] = ()


class ClientConnection(msgspec.Struct, frozen=True, rename="camel"):
    kubeconfig: str = ""
    qps: float = 0.0
    burst: int = 0


class LeaderElection(msgspec.Struct, frozen=True, rename="camel"):
    """None: as the flag says."""

    leader_elect: bool | None = None


class Configuration(msgspec.Struct, frozen=True, rename="camel"):
    """The fields of KubeSchedulerConfiguration that we act on; flags win over them."""

    profiles: tuple[ProfileSettings, ...] = (ProfileSettings(),)
    client_connection: ClientConnection = ClientConnection()
    leader_election: LeaderElection = LeaderElection()
    parallelism: int = 16
    percentage_of_nodes_to_score: int | None = None
    pod_initial_backoff_seconds: float = 1.0
    pod_max_backoff_seconds: float = 10.0


@dataclass(frozen=True)
class Profile:
    name: str
    scores: tuple[tuple[Score, float], ...]


DEFAULT = Profile(DEFAULT_NAME, tuple(SCORES.values()))


def read(path: Path) -> Configuration:
    """Raises ConfigError."""
    return read_config(path, "KubeSchedulerConfiguration", "kubescheduler.config.k8s.io", Configuration)


def profiles_of(config: Configuration) -> list[Profile]:
    """Raises ConfigError for a plugin or strategy that there is none of, and for a name that is there twice."""
    names = [settings.scheduler_name for settings in config.profiles]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"profiles: schedulerName {twice} is there twice")
    return [_profile(settings, f"profiles[{number}]") for number, settings in enumerate(config.profiles)]


def _profile(settings: ProfileSettings, where: str) -> Profile:
    weights = {name: weight for name, (_, weight) in SCORES.items()}
    for field, chosen in (("multiPoint", settings.plugins.multi_point), ("score", settings.plugins.score)):
        place = f"{where}.plugins.{field}"
        for off in chosen.disabled:
            weights = {} if off.name == "*" else {name: w for name, w in weights.items() if name != _known(off.name, place)}
        for on in chosen.enabled:
            name = _known(on.name, place)
            weights[name] = float(on.weight) or SCORES[name][1]
    functions = {name: function for name, (function, _) in SCORES.items()}
    for one in settings.plugin_config:
        if one.name == "NodeResourcesFit":
            functions["NodeResourcesFit"] = _strategy(one.args, f"{where}.pluginConfig[NodeResourcesFit].args.scoringStrategy.type")
    return Profile(settings.scheduler_name, tuple((functions[name], weight) for name, weight in weights.items()))


def _strategy(args: dict[str, Any], where: str) -> Score:
    kind = (args.get("scoringStrategy") or {}).get("type", "LeastAllocated")
    if kind not in STRATEGIES:
        raise ConfigError(f"{where}: {kind}: expected one of {', '.join(STRATEGIES)}")
    return STRATEGIES[kind]


def _known(name: str, where: str) -> str:
    if name not in SCORES:
        near = difflib.get_close_matches(name, SCORES, n=1)
        raise ConfigError(f"{where}: {name}: no such scoring plugin" + (f"; did you mean {near[0]}?" if near else ""))
    return name
