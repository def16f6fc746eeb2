"""Proves that controllers are made before the lease is asked for: a computer that needs long for it must not lose the lease over it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from provisioner.kube.client import leader
from provisioner.kube.client.daemon import Daemon
from provisioner.kube.client.tasks import stop
from provisioner.kube.controllers import __main__ as main


class Away:
    """A client of an API server that nobody needs to reach."""

    async def close(self) -> None:
        return None


async def test_controllers_are_made_before_the_lease_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []

    class Elector:
        def __init__(self, client: Any, **settings: Any) -> None:
            happened.append(f"elector, {settings['renew_deadline_s']:.0f} s")

        async def release(self) -> None:
            return None

        async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
            happened.append("asks")
            daemon.stopping.set()

    monkeypatch.setattr(leader, "LeaderElector", Elector)
    monkeypatch.setattr(main, "Client", type("Clients", (), {"from_kubeconfig": staticmethod(lambda *a, **k: Away())}))
    monkeypatch.setattr(main, "FACTORIES", {name: lambda parts, flags, name=name: happened.append(name) for name in main.FACTORIES})
    daemon = Daemon("kube-controller-manager")
    await main.start(daemon, main.flag_set().parse(["--secure-port=0", "--controllers=deployment,garbagecollector"]))
    await daemon.stopping.wait()
    assert happened == ["deployment-controller", "garbage-collector-controller", "elector, 10 s", "asks"]
    await stop(*daemon._tasks)
    await daemon.close()
