"""Writes docs/inventory-reference.md from the schema: every setting with its type, default and docstring.

.venv/bin/python scripts/generate_inventory_reference.py [--check]
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from provisioner.inventory.cluster_spec import ClusterSpec
from provisioner.inventory.machines_spec import MachineOverride, MachinesSpec

PAGE = Path(__file__).resolve().parent.parent / "docs" / "inventory-reference.md"
HEAD = """\
# Inventory reference

<!-- Made by scripts/generate_inventory_reference.py from provisioner/inventory/*_spec.py: change the docstrings there. -->

An inventory is Ansible's YAML format, so `ansible-inventory` and `ansible-playbook` read the same file; `group_vars/` and `host_vars/` beside it
count. Two variables of the group `all` are this program's own: [`cluster`](#cluster), what the cluster is to be, and
[`machines`](#machines), where hosts come from; without `machines` they exist already. Everything has a default, an unknown key is a mistake
(the nearest right one is named), and all mistakes are told at once with file, line and column before any host is contacted.

## Groups

| group | its hosts |
|---|---|
| `masters` | run kube-apiserver, kube-controller-manager, kube-scheduler and the cluster's name server; at least one |
| `etcd` | run etcd; absent: the masters. An odd number: two members survive no more failures than one |
| `workers` | run pods. A host that is in `masters` too is both; a master that is no worker takes only pods that tolerate its taint |

A host's name becomes its node's name: a DNS name, each once. Every master and worker runs Docker, kubelet and kube-proxy.

## Host variables

Connections are described in Ansible's words; these are the ones that matter here.

| variable | meaning |
|---|---|
| `ansible_host` | address to connect to; absent: the host's name |
| `node_address` | address of the node inside the cluster, where it is not `ansible_host` (several networks, NAT) |
| `ansible_port`, `ansible_user` | of SSH; absent: 22, and the user who runs the command |
| `ansible_ssh_private_key_file`, `ansible_password` | how to log in; without either the SSH agent and the usual keys are tried |
| `ansible_become`, `ansible_become_method`, `ansible_become_user`, `ansible_become_password` | how to become root; the user may as well be root |
| `ansible_ssh_common_args` | `-o ProxyJump=…`, `-o ProxyCommand=…`, `-o UserKnownHostsFile=…`, `-o StrictHostKeyChecking=yes\\|accept-new`, `-i KEY`, `-F FILE` |
| `ansible_host_key` | the host's public key (`ssh-ed25519 AAAA…`) or its fingerprint: nothing else is accepted then |
| `ansible_python_interpreter` | Python on the host; absent: found |
| `machine` | what differs for this host where machines are made here: [`machine`](#machine) |

What these leave open is read from OpenSSH's configuration, `~/.ssh/config` and `/etc/ssh/ssh_config`, by the host's `ansible_host` or name: an alias there
is enough for an inventory. Hops of a `ProxyJump` have what is said of them there.

Secrets may be `!vault` strings or encrypted files (`provision vault`).
"""
TREES = (
    ("cluster", ClusterSpec, "What the cluster is to be: a variable of `all`."),
    ("machines", MachinesSpec, "How hosts are made: a variable of `all`. `provision down` and `destroy` only touch hosts made this way."),
    ("machine", MachineOverride, "What differs for one host from `machines`: a variable of that host."),
)


def docstrings(cls: type) -> dict[str, str]:
    """By field, the string that follows it in the class's body."""
    body = ast.parse(inspect.getsource(cls)).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for node, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(after, ast.Expr):
            found[node.target.id] = " ".join(str(ast.literal_eval(after.value)).split())
    return found


def kind(hint: Any) -> str:
    """A type as people call it."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return kind(next(arg for arg in get_args(hint) if arg is not type(None)))
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(hint))
    if origin is tuple:
        return f"list of {kind(get_args(hint)[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping to {kind(get_args(hint)[1])}"
    if dataclasses.is_dataclass(hint):
        return "tree"
    return {bool: "true or false", int: "whole number", str: "text"}[hint]


def default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "required"
    value = field.default
    if value is dataclasses.MISSING or value in ("", (), None) or dataclasses.is_dataclass(value):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def subtree(hint: Any) -> type | None:
    """The dataclass that a field holds one or many of."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint
    return next((found for arg in get_args(hint) if (found := subtree(arg))), None)


def section(path: str, cls: type, introduction: str, level: int) -> Iterator[str]:
    """A table of the fields, then each subtree's own section."""
    yield f"\n{'#' * level} {path}\n"
    yield introduction
    yield "\n| key | type | default | meaning |\n|---|---|---|---|"
    texts, hints = docstrings(cls), get_type_hints(cls)
    below = []
    for field in dataclasses.fields(cls):
        text, hint = texts[field.name], hints[field.name]
        tree = subtree(hint)
        if tree is not None:
            many = kind(hint).startswith("list")
            below.append((f"{path}.{field.name}{'[]' if many else ''}", tree, text))
        yield f"| `{field.name}` | {kind(hint)} | {default(field)} | {text} |".replace("|  |", "| |")
    for name, tree, text in below:
        yield from section(name, tree, text, 3)


def page() -> str:
    lines = [line for name, cls, text in TREES for line in section(name, cls, text, 2)]
    return HEAD + "\n".join(lines) + "\n"


def main() -> int:
    text = page()
    if "--check" in sys.argv[1:]:
        current = PAGE.exists() and PAGE.read_text() == text
        print("current" if current else f"{PAGE} is out of date: run scripts/generate_inventory_reference.py")
        return 0 if current else 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
