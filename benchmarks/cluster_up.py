"""From bare lab hosts to a working cluster, and the second run that has nothing to do: `cluster_up.py INVENTORY`.

The lab is destroyed first and left standing. Prints seconds, where they went, and the ratio to the goals: 90 s, and 5 s the second time.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hosts import Lab

FIRST_GOAL_S = 90.0
SECOND_GOAL_S = 5.0


def main() -> None:
    lab = Lab(Path(sys.argv[1]))
    lab.provision("destroy", "--yes")
    for name, goal_s in (("first run", FIRST_GOAL_S), ("second run", SECOND_GOAL_S)):
        began = time.monotonic()
        said = lab.provision("up")
        took_s = time.monotonic() - began
        print(f"{name:<11} {took_s:7.1f} s  {took_s / goal_s:.2f} of the goal ({goal_s:.0f} s)")
        for line in said.splitlines():
            if "changed=" in line or " total " in line:
                print(f"  {line.strip()}")


if __name__ == "__main__":
    main()
