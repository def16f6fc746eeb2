"""Proves that YAML files with any mistake, however odd, end in a value or in one error with its place; inventories likewise."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from provisioner.inventory import InventoryError, load
from provisioner.inventory.documents import parse

ROOT = Path(__file__).resolve().parents[3]
INI = """\
[web]
web[01:03] ansible_connection=local x=1 y="a b" # c

[db:children]
web

[db:vars]
z={'a': 1}
k = [1, 2]
"""
GROUP_VARS = """\
a: 1
b: {c: [1, 2], d: "{{ a }}", e: !unsafe "{{ x }}"}
f: |
  text
v: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  6162
"""
PIECES = [*"[]{}:,-\"'|>&*!%@#\t\n \0=é\ufeff\x85\x1b", "- ", ": ", "{{", "\n---\n", "!vault ", "!unsafe ", "&a ", "*a ", "<<: ", "? ",
          "[x:children]\n", "[x:vars]\n", "[1:", "[a:z]", "[3:1]", "[1:9999999999]", "1e999", "null", "\r\n", "\\"]  # fmt: skip
SEED, MUTATIONS = 20, 30


def mutated(source: random.Random, text: str) -> bytes:
    """One to four pieces put in, cut out or doubled; now and then a byte that is no UTF-8."""
    for _ in range(source.randint(1, 4)):
        at = source.randrange(len(text) + 1)
        kind = source.random()
        if kind < 0.5:
            text = text[:at] + source.choice(PIECES) + text[at:]
        elif kind < 0.8:
            text = text[:at] + text[at + source.randint(1, 8) :]
        else:
            text = text[:at] + text[at : at + source.randint(1, 30)] + text[at:]
    data = text.encode()
    if source.random() < 0.1:
        at = source.randrange(len(data) + 1)
        data = data[:at] + bytes([source.randrange(128, 256)]) + data[at:]
    return data


def placed(error: InventoryError, names: Sequence[str]) -> bool:
    """All its problems name one of the files; those of YAML files with a line."""
    return bool(error.problems) and all(Path(problem.file).name in names and problem.message for problem in error.problems)


@pytest.mark.parametrize(
    ("text", "line", "column", "hint"),
    [
        (b"a: 1\nb: \x00\n", 2, 4, "UTF-8"),
        ("a: 1\né: \x1b\n", 2, 4, "UTF-8"),
        (b"a: 1\nb: c\xff\n", 2, 5, "UTF-8"),
        (b"a: [1\nb: 2\n", 2, 2, "brackets"),
        (b"a: {{ x }}: c\n", 1, 11, "': '"),
        (b"a: *none\n", 1, 4, "starts with *"),
        (b"a: 1\n\tb: 2\n", 2, 1, "spaces"),
        (b"- a: 1\n  b: 2\n - c: 3\n", 3, 2, "indentation"),
        (b'a: "b" c\n', 1, 8, "quote the whole"),
        (b'a: "b\n', 2, 1, "not closed"),
    ],
)
def test_a_mistake_has_its_line_and_column(text: str | bytes, line: int, column: int, hint: str) -> None:
    with pytest.raises(InventoryError) as caught:
        parse(text, "x.yml")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == ("x.yml", line, column)
    assert hint in problem.hint


@pytest.mark.parametrize("name", ["hosts", "hosts.yaml", "group_vars/all.yml"])
def test_any_inventory_loads_or_says_where_it_is_wrong(tmp_path: Path, name: str) -> None:
    texts = {"hosts": INI, "hosts.yaml": (ROOT / "inventories" / "ha.yaml").read_text(), "group_vars/all.yml": GROUP_VARS}
    source = random.Random(f"{SEED} {name}")
    (tmp_path / "group_vars").mkdir()
    main = "hosts.yaml" if name == "hosts.yaml" else "hosts"
    (tmp_path / main).write_text(texts[main])
    refused = 0
    for _ in range(MUTATIONS):
        (tmp_path / name).write_bytes(mutated(source, texts[name]))
        try:
            load([tmp_path / main])
        except InventoryError as e:
            refused += 1
            assert placed(e, [Path(name).name]), (tmp_path / name).read_bytes()
    assert 0 < refused < MUTATIONS
