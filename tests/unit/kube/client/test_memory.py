"""Proves that tuning memory does what it says, and that freed buffers go back to the system."""

from __future__ import annotations

import subprocess
import sys

from provisioner.kube.client import memory

SCRIPT = """
import gc
from provisioner.kube.client import memory
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
from provisioner.kube.client import memory
def code_kb():
    total, executed = 0, False
    for line in open('/proc/self/smaps'):
        words = line.split()
        if len(words) >= 5 and '-' in words[0]:
            executed = words[1] in ('r-xp', 'r--p') and words[-1].startswith('/')
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


def test_code_and_constants_that_only_starting_used_are_left() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=60)


MAPPINGS = """\
7f0000000000-7f0000001000 r-xp 00000000 fe:00 12 /lib/a b.so
Rss:                   4 kB
Anonymous:             0 kB
7f0000002000-7f0000003000 r--p 00000000 fe:00 12 /lib/relocated.so
Anonymous:             4 kB
7f0000003000-7f0000004000 rw-p 00000000 fe:00 12 /lib/data.so
Anonymous:             0 kB
7f0000004000-7f0000005000 r--s 00000000 fe:00 12 /lib/shared
Anonymous:             0 kB
7f0000005000-7f0000006000 r--p 00000000 00:00 0
Anonymous:             0 kB
7f0000006000-7f0000008000 r--p 00000000 fe:00 12 /lib/c.so
Anonymous:             0 kB
7f0000009000-7f000000a000 r--p 00000000 00:00 0 [vvar]
Anonymous:             0 kB
"""


def test_only_what_a_file_still_has_is_left() -> None:
    assert list(memory.unchanged(MAPPINGS)) == [(0x7F0000000000, 0x7F0000001000), (0x7F0000006000, 0x7F0000008000)]
