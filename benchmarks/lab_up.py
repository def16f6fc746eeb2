"""How long lab hosts take from nothing to SSH, with the base image in place, and the same power-cycled: `lab_up.py [HOSTS]` (default 3).

Prints one line a step, and for each the ratio to its goal: 3 hosts in 5 s, 20 hosts in 15 s.
"""

from __future__ import annotations

import ipaddress
import sys
import tempfile
import time
from pathlib import Path

from provisioner.machines import packages, rootfs
from provisioner.machines.nspawn import NspawnProvider
from provisioner.machines.spec import HostSpec, LabSpec

NETWORK = ipaddress.IPv4Network("10.199.255.0/24")
GOALS_S = {3: 5.0, 20: 15.0}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    goal_s = GOALS_S.get(count)
    with tempfile.TemporaryDirectory() as folder:
        hosts = tuple(HostSpec(f"host-{i}", NETWORK[11 + i], memory_mib=512, cpus=2.0) for i in range(count))
        lab = LabSpec("bench", Path(folder, "inventory.yaml"), NETWORK, hosts)
        rootfs.ensure(hosts[0].suite, packages.host_sources(hosts[0].suite, lab).main)
        provider = NspawnProvider(lab)
        try:
            for name, steps in {
                "create and start": (provider.create, provider.start),
                "stop": (provider.stop,),
                "start again": (provider.start,),
                "destroy": (provider.destroy,),
            }.items():
                began = time.monotonic()
                for step in steps:
                    step()
                took_s = time.monotonic() - began
                ratio = f"  {took_s / goal_s:.2f} of the goal ({goal_s:.0f} s)" if goal_s and name == "create and start" else ""
                print(f"{name:<18} {count} hosts {took_s:7.2f} s{ratio}")
        finally:
            provider.destroy()


if __name__ == "__main__":
    main()
