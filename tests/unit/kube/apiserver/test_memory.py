"""Proves that tuning memory does what it says, and that freed buffers go back to the system."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import gc
from provisioner.kube.apiserver import memory
memory.tune()
assert gc.get_threshold()[0] >= 10_000
def resident_kb():
    return next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmRSS'))
before = resident_kb()
for _ in range(3):
    blocks = [bytearray(b'x') * 200_000 for _ in range(200)]
    del blocks
memory.settle()
assert gc.get_freeze_count() > 0
assert resident_kb() < before + 10_000, (before, resident_kb())
"""


def test_what_is_freed_is_given_back() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=60)
