"""What daemons of an idle cluster cost: memory of each, CPU of all of a host: `idle.py INVENTORY [SECONDS]` (default 60).

Goals: apiserver 90 MB, others 60 MB resident; all daemons of a host together under 2 % of a core.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hosts import Lab

GOALS_MB = {"kube-apiserver": 90, "kube-controller-manager": 60, "kube-scheduler": 60, "kubelet": 60, "kube-proxy": 60, "kube-dns": 60}
CPU_GOAL = 0.02
# Prints for each unit that runs: its name, resident KiB, user and system ticks.
PROBE = """for unit in {units}; do pid=$(systemctl show --value -p MainPID $unit); [ "$pid" != 0 ] && [ -n "$pid" ] || continue
echo $unit $(sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status) $(sed 's/.*) //' /proc/$pid/stat | cut -d' ' -f12,13); done"""
TICKS_PER_S = 100


def probe(lab: Lab, address: str) -> dict[str, tuple[int, int]]:
    """By unit: resident KiB, and CPU ticks used so far."""
    lines = lab.ssh(address, PROBE.format(units=" ".join(GOALS_MB))).splitlines()
    found = {words[0]: (int(words[1]), int(words[2]) + int(words[3])) for line in lines if len(words := line.split()) == 4}
    if not found:
        raise SystemExit(f"{address}: none of the daemons runs; it said: {lines}")
    return found


def main() -> None:
    lab = Lab(Path(sys.argv[1]))
    wait_s = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    nodes = lab.nodes()
    before = {name: probe(lab, address) for name, address in nodes.items()}
    began = time.monotonic()
    time.sleep(wait_s)
    for name, address in nodes.items():
        after = probe(lab, address)
        passed_s = time.monotonic() - began
        total = 0.0
        for unit, (kib, ticks) in after.items():
            share = (ticks - before[name].get(unit, (0, ticks))[1]) / TICKS_PER_S / passed_s
            total += share
            mb = kib * 1024 / 1e6
            print(f"{name:<10} {unit:<24} {mb:6.1f} MB  {mb / GOALS_MB[unit]:.2f} of the goal   {share:6.2%} of a core")
        print(f"{name:<10} {'all daemons':<24} {'':26} {total:6.2%} of a core  {total / CPU_GOAL:.2f} of the goal")


if __name__ == "__main__":
    main()
