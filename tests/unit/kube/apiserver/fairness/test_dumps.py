"""Proves that the state of levels, queues and waiting requests is told in upstream's tables."""

from __future__ import annotations

import asyncio

import pytest

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.fairness.dumps import DUMPS
from provisioner.kube.apiserver.fairness.levels import Level, Queuing, Who
from provisioner.kube.apiserver.requests import target_of


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]


async def test_dumps() -> None:
    full, exempt = Level("workload-low", lambda: 0.0), Level("exempt", lambda: 0.0)
    full.configure(Queuing(1, 1, 2), 1)
    exempt.configure(None, None)
    assert full.enter(1)
    who = Who("service-accounts", "system:serviceaccount:d:a", "bob", target_of("GET", "/api/v1/namespaces/d/pods/p/log", {}), 1.5)
    loop = asyncio.get_running_loop()
    waits = [loop.create_task(full.wait(7, seats, 5.0, who)) for seats in (1, 3)]
    while full.waiting < 2:
        await asyncio.sleep(0)
    with pytest.raises(StatusError):
        await full.wait(7, 1, 5.0, who)
    levels = (full, exempt)
    text = DUMPS["dump_priority_levels"](levels, False)
    assert text.splitlines()[1].startswith("exempt,            0,            true,   false,")
    assert rows(text)[1:] == [
        ["exempt", "0", "true", "false", "0", "0", "0", "0", "0", "0"],
        ["workload-low", "1", "false", "true", "2", "1", "1", "1", "0", "0"],
    ]
    queue = ["workload-low", "0", "2", "0", "0", "0.00300000ss", "4", "4", "0.01200000ss"]
    assert rows(DUMPS["dump_queues"](levels, False))[1:] == [queue]
    short, long = (rows(DUMPS["dump_requests"](levels, details)) for details in (False, True))
    first = ["workload-low", "service-accounts", "0", "0", "system:serviceaccount:d:a", "1970-01-01T00:00:01.500000Z", "1", "0", "0s"]
    assert short[1][:-1] == first and short[2][3] == "1" and short[2][6] == "3"
    assert long[0][-3:] == ["APIVersion", "Resource", "SubResource"]
    assert long[1][10:] == ["bob", "get", "/api/v1/namespaces/d/pods/p/log", "d", "p", "v1", "pods", "log"]
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    assert rows(DUMPS["dump_priority_levels"](levels, False))[2][-1] == "2" and full.waiting == 0
