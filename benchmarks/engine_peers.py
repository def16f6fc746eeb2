"""The engine beside ansible-core, Mitogen and pyinfra, doing the same work on the same lab hosts: `engine_peers.py [PART…]`.

Parts: `four` (100 tasks, 4 hosts), `one` (300 tasks, 1 host), `fifty` (time for a task against the number of hosts, memory for a host),
`far` (50 ms of delay: round trips). All of them without arguments. Runs are interleaved, medians are printed, and each ratio beside its goal.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import engine_work
from engine_hosts import Hosts, hosts
from engine_scale import far, fifty
from engine_tools import Cost, Tool, ours, peers

FIRST, AGAIN = "first run", "no change"
# tool -> how many times faster ours is to be: on the first run, on the no-change run.
FOUR_GOALS = {
    "ansible-core": (25.0, 40.0),
    "ansible-core + Mitogen": (6.0, 10.0),
    "pyinfra": (5.0, 6.0),
    "pyinfra + TCP_NODELAY": (0.0, 2.5),
}
ONE_GOALS = {
    "ansible-core": (0.0, 40.0),
    "ansible-core + Mitogen": (0.0, 10.0),
    "pyinfra": (0.0, 12.0),
    "pyinfra + TCP_NODELAY": (0.0, 0.0),
}
CONTROLLER_S, HOSTS_S = 1.0, 2.0

Costs = dict[tuple[str, str], list[Cost]]


def measure(tools: list[Tool], folder: Path, machines: Hosts, rounds: int) -> Costs:
    """Each round: every tool on bare hosts, and then where there is nothing left to do."""
    costs: Costs = {}
    for number in range(rounds):
        for tool in tools:
            machines.forget()
            for run in (FIRST, AGAIN):
                cost = tool.run(folder, machines)
                costs.setdefault((tool.name, run), []).append(cost)
                print(f"round {number + 1} {tool.name:<24} {run:<10} {cost.wall_s:7.2f} s", flush=True)
    return costs


def median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("wall_s", "controller_s", "hosts_s", "memory_mib")))


def report(costs: Costs, tools: list[Tool], goals: dict[str, tuple[float, float]]) -> None:
    print(f"\n{'tool':<24} {'run':<10} {'wall':>8} {'controller':>11} {'hosts':>8}   ours is faster by (goal)")
    for run, which in ((FIRST, 0), (AGAIN, 1)):
        own = median(costs["provision", run])
        for tool in tools:
            cost = median(costs[tool.name, run])
            line = f"{tool.name:<24} {run:<10} {cost.wall_s:6.2f} s {cost.controller_s:9.2f} s {cost.hosts_s:6.2f} s"
            if tool.name in goals:
                goal = goals[tool.name][which]
                line += f"   {cost.wall_s / own.wall_s:5.1f} x" + (f" ({goal:g} x)" if goal else "")
            print(line)


def four(rounds: int, with_peers: bool) -> None:
    with tempfile.TemporaryDirectory() as name, hosts(4, Path(name)) as machines:
        engine_work.write(Path(name), 100)
        tools = [ours(machines), *(peers(machines, Path(name)) if with_peers else [])]
        costs = measure(tools, Path(name), machines, rounds)
        print("\n100 tasks on 4 hosts")
        report(costs, tools, FOUR_GOALS)
        own = median(costs["provision", AGAIN])
        print(f"controller CPU {own.controller_s:.2f} s (goal {CONTROLLER_S:g} s), hosts' CPU {own.hosts_s:.2f} s (goal {HOSTS_S:g} s)")


def one(rounds: int, with_peers: bool) -> None:
    with tempfile.TemporaryDirectory() as name, hosts(1, Path(name)) as machines:
        engine_work.write(Path(name), 300)
        tools = [ours(machines), *(peers(machines, Path(name)) if with_peers else [])]
        costs = measure(tools, Path(name), machines, rounds)
        print("\n300 tasks on 1 host")
        report(costs, tools, ONE_GOALS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="four, one, fifty, far")
    parser.add_argument("--rounds", type=int, default=3, help="of each tool; medians are shown (default 3)")
    parser.add_argument("--alone", action="store_true", help="ours only, without peers")
    arguments = parser.parse_args()
    known = {
        "four": lambda: four(arguments.rounds, not arguments.alone),
        "one": lambda: one(arguments.rounds, not arguments.alone),
        "fifty": lambda: fifty(arguments.rounds),
        "far": lambda: far(arguments.rounds),
    }
    if unknown := [part for part in arguments.parts if part not in known]:
        parser.error(f"no part is named {', '.join(unknown)}; there are {', '.join(known)}")
    for part in arguments.parts or known:
        known[part]()


if __name__ == "__main__":
    main()
