"""What grows with hosts, and with distance."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import engine_work
from engine_distance import distance
from engine_hosts import Hosts, hosts
from engine_tools import PROGRAM, Cost, Tool, ours

TASKS = 100
COUNTS = (1, 2, 4, 10, 25, 50)
MEMORY_GOAL_MIB = 4.0
DELAY_MS = 50
ROUND_TRIPS_GOAL = 1.3


def _median(folder: Path, machines: Hosts, rounds: int, *more: str) -> Cost:
    """Of no-change runs."""
    tool = ours(machines)
    costs = [tool.run(folder, machines, *more) for _ in range(rounds)]
    return sorted(costs, key=lambda cost: cost.wall_s)[len(costs) // 2]


def fifty(rounds: int) -> None:
    """Time and memory against the number of hosts, all of them worked on at a time."""
    with tempfile.TemporaryDirectory() as name, hosts(max(COUNTS), Path(name), memory_mib=160) as machines:
        folder = Path(name)
        engine_work.write(folder, TASKS)
        ours(machines).run(folder, machines, "-f", str(max(COUNTS)))
        print(f"\n{TASKS} tasks, no change\n{'hosts':>5} {'wall':>9} {'a task':>9} {'a task and host':>16} {'memory':>9}")
        costs = {}
        for count in COUNTS:
            limit = ",".join(machines.names[:count])
            cost = costs[count] = _median(folder, machines, rounds, "-f", str(count), "-l", limit)
            each_ms = 1000 * cost.wall_s / TASKS
            print(f"{count:>5} {cost.wall_s:7.2f} s {each_ms:6.1f} ms {each_ms / count:13.2f} ms {cost.memory_mib:5.0f} MiB")
        most = max(COUNTS)
        share_mib = (costs[most].memory_mib - costs[1].memory_mib) / (most - 1)
        growth = (costs[most].wall_s / costs[2].wall_s) / (most / 2)
        print(f"memory for one more host {share_mib:.2f} MiB (goal {MEMORY_GOAL_MIB:g} MiB)")
        print(f"from 2 hosts (one for each core here) to {most} the time grew {growth:.2f} times as much as the hosts (goal: at most 1)")


def far(rounds: int) -> None:
    """Round trips: counted in the transport, and by what a delay on the wire costs."""
    with tempfile.TemporaryDirectory() as name, hosts(1, Path(name)) as machines:
        folder = Path(name)
        engine_work.write(folder, TASKS)
        ours(machines).run(folder, machines)
        near, away = _through(folder, machines, rounds, 0.0), _through(folder, machines, rounds, DELAY_MS / 1000)
        lost = (away.wall_s - near.wall_s) / (DELAY_MS / 1000)
        counted = statistics.median(_counted(folder, machines) for _ in range(rounds))
        print(f"\n{TASKS} tasks, no change, {DELAY_MS} ms of delay: {away.wall_s:.2f} s instead of {near.wall_s:.2f} s")
        print(f"on the wire {lost / TASKS:.2f} round trips a task, with connecting (goal {ROUND_TRIPS_GOAL:g})")
        print(f"messages to the agent: {counted / TASKS:.2f} a task (goal 1)")


def _through(folder: Path, machines: Hosts, rounds: int, delay_s: float) -> Cost:
    host = machines.lab.hosts[0]
    with distance(str(machines.lab.gateway), str(host.address), delay_s) as port:
        inventory = str(machines.inventory({host.name: port}))
        tool = Tool("provision", (PROGRAM, "play", engine_work.PLAY, "-i", inventory))
        costs = [tool.run(folder, machines) for _ in range(rounds)]
    return sorted(costs, key=lambda cost: cost.wall_s)[rounds // 2]


def _counted(folder: Path, machines: Hosts) -> int:
    from provisioner.cluster.sessions import Sessions
    from provisioner.engine import Runner
    from provisioner.inventory import load

    with Sessions() as sessions:
        result = Runner(load([machines.inventory()]), sessions=sessions).run([folder / engine_work.PLAY])
        if result.exit_code:
            raise SystemExit(f"the run ended with {result.exit_code}")
        return sessions.round_trips
