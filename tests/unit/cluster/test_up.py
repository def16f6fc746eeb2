"""The stages in their order, what stops them, and what a plan may not do. Hosts, roles and the API are played by fakes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioner.cluster import up as module
from provisioner.cluster.context import Context, open_cluster
from provisioner.cluster.errors import ClusterError, HostProblem, PreflightError
from provisioner.cluster.events import Bus, Event
from provisioner.cluster.preflight import Probed
from provisioner.cluster.probe import HostFacts
from provisioner.cluster.results import HostStats
from provisioner.cluster.runs import events
from provisioner.cluster.up import UpOptions, plan, up
from provisioner.machines.provider import Action, PlannedAction
from provisioner.release import bundle
from provisioner.release.bundle import Bundle

TEXT = "all:\n  children:\n    masters: {hosts: {m: {ansible_host: 192.0.2.1}}}\n    workers: {hosts: {m: }}\n"
DEBIAN = {"os_id": "debian", "os_version": "13", "architecture": "x86_64"}


class Provider:
    def __init__(self, missing: Sequence[PlannedAction] = ()) -> None:
        self.did: list[str] = []
        self.missing = missing

    def plan(self) -> Sequence[PlannedAction]:
        return self.missing

    def create(self) -> None:
        self.did.append("create")

    def start(self) -> None:
        self.did.append("start")

    def connection_vars(self) -> dict[str, dict[str, object]]:
        return {}


@dataclasses.dataclass
class World:
    """What the fakes did and will do."""

    context: Context
    provider: Provider
    told: list[Event]
    problems: list[HostProblem]
    changed: int = 1
    release: str = "releases/0.1.0-abc"
    calls: list[Any] = dataclasses.field(default_factory=list)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    path = tmp_path / "inventory.yaml"
    path.write_text(TEXT)
    told: list[Event] = []
    provider = Provider()
    context = dataclasses.replace(open_cluster(path, Bus([told.append])), provider=provider)  # type: ignore[arg-type]
    made = World(context, provider, told, [])

    def fake_apply(context: Context, hosts: Any, variables: Any, **options: Any) -> dict[str, HostStats]:
        made.calls.append(("apply", options.get("check", False)))
        return {"m": HostStats(ok=3, changed=made.changed)}

    def wait_for_nodes(api: Any, names: Sequence[str], tell: Any) -> None:
        made.calls.append(("nodes", tuple(names)))

    def smoke(api: Any, image: str, tell: Any) -> float:
        made.calls.append(("smoke", image))
        return 1.0

    monkeypatch.setattr(module, "probe", lambda *_: ({"m": Probed(HostFacts({**DEBIAN, "release": made.release}))}, made.problems))
    monkeypatch.setattr(module, "examine", lambda *_, **__: [])
    monkeypatch.setattr(module, "apply", fake_apply)
    monkeypatch.setattr(module.verify, "wait_for_nodes", wait_for_nodes)
    monkeypatch.setattr(module.verify, "smoke", smoke)
    monkeypatch.setattr(bundle, "ensure", lambda **_: Bundle("0.1.0-abc", "0.1.0", Path("/x.tar.gz"), {}))
    return made


def stages(world: World) -> list[tuple[str, bool]]:
    return [(e.text, e.data["ok"]) for e in world.told if e.kind == "stage_end"]


def test_all_stages_in_order(world: World) -> None:
    outcome = up(world.context, UpOptions(smoke=True))
    assert stages(world) == [(name, True) for name in ("machines", "preflight", "plan", "apply", "verify")]
    assert world.provider.did == ["create", "start"]
    assert world.calls == [("apply", False), ("nodes", ("m",)), ("smoke", "busybox:1.35")]
    assert outcome.changed
    assert list(outcome.seconds) == ["machines", "preflight", "plan", "apply", "verify"]
    assert next(iter(events(Path(outcome.log))))["kind"] == "run_start"


def test_unfit_hosts_stop_before_any_change(world: World) -> None:
    world.problems.append(HostProblem("m", "disk", "full"))
    with pytest.raises(PreflightError, match="m: disk: full"):
        up(world.context, UpOptions())
    assert world.calls == []
    assert stages(world)[-1] == ("preflight", False)
    assert not world.context.state.pki.exists()
    assert world.told[-1].text == "failed"


def test_smoke_is_for_changes_on_our_own_hosts(world: World) -> None:
    up(world.context, UpOptions())
    assert ("smoke", "busybox:1.35") not in world.calls, "these hosts are not ours: they may not have the image"
    up(world.context, UpOptions(smoke=False))
    assert ("smoke", "busybox:1.35") not in world.calls


def test_a_plan_checks_and_keeps_nothing(world: World) -> None:
    outcome = plan(world.context, UpOptions())
    assert world.calls == [("apply", True)]
    assert world.provider.did == []
    assert outcome.changed
    assert not world.context.state.root.exists()
    assert any("issue certificate ca: absent" in e.text for e in world.told if e.kind == "would")


def test_a_plan_of_missing_hosts_says_so(world: World) -> None:
    world.provider.missing = [PlannedAction("m", Action.CREATE, "10.0.0.1")]
    outcome = plan(world.context, UpOptions())
    assert world.calls == []
    assert outcome.changed
    assert [e.text for e in world.told if e.kind == "would"] == ["create m 10.0.0.1"]


def test_a_plan_needs_hosts_that_are_on(world: World) -> None:
    world.provider.missing = [PlannedAction("m", Action.START)]
    with pytest.raises(ClusterError, match="the machines are off"):
        plan(world.context, UpOptions())


def test_a_plan_of_a_bare_host_compares_nothing(world: World) -> None:
    world.release = ""
    assert plan(world.context, UpOptions()).changed
    assert world.calls == []
    assert [(e.host, e.text) for e in world.told if e.kind == "would" and e.host] == [("m", "install everything: nothing is on it yet")]
