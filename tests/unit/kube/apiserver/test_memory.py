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


CODE = """
import hashlib, ssl
import cryptography.hazmat.bindings._rust, grpc
from provisioner.kube.apiserver import memory
def code_kb():
    total, executed = 0, False
    for line in open('/proc/self/smaps'):
        words = line.split()
        if len(words) >= 5 and '-' in words[0]:
            executed = words[1] == 'r-xp' and words[-1].startswith('/')
        elif executed and words[0] == 'Rss:':
            total += int(words[1])
    return total
before = code_kb()
memory.settle()
after = code_kb()
assert after < before / 2, (before, after)
ssl.create_default_context()
assert hashlib.sha256(b'x').hexdigest().startswith('2d711642')
"""


def test_code_that_only_starting_ran_is_left() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=60)
