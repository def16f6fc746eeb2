"""Connection plugins of people's own cannot run here: what would need one is told before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provisioner.engine.content import Content
from provisioner.engine.errors import RunError
from provisioner.engine.options import RunOptions
from provisioner.engine.playbook import Play
from provisioner.inventory import Inventory
from provisioner.inventory.patterns import PatternError
from provisioner.templating import is_template

_OURS = frozenset({"ssh", "smart", "paramiko", "paramiko_ssh", "local"})


def refuse(plays: Sequence[Play], content: Content, inventory: Inventory, options: RunOptions) -> None:
    """Raises RunError for a play, or a host of one, that asks for a plugin which lies beside the playbook or in a collection."""
    from provisioner.transport.programs import NAMES

    own = content.own_plugins["connection"]
    for play in plays:
        for name, who in _asked(play, inventory, options):
            if name.rpartition(".")[2] not in _OURS | NAMES and own.find(name) is not None:
                message = f"{who} needs the connection plugin '{name}' ({own.find(name)}), which cannot run here"
                raise RunError(message, play.location, f"hosts are reached by ssh, local, {', '.join(sorted(NAMES))}")


def _asked(play: Play, inventory: Inventory, options: RunOptions) -> Iterator[tuple[str, str]]:
    """Connections as they are written, and where."""
    keyword = play.attributes.get("connection") or options.connection
    if isinstance(keyword, str) and not is_template(keyword):
        yield keyword, "the play"
    pattern = play.hosts
    if isinstance(pattern, str) and is_template(pattern):
        return
    try:
        hosts = inventory.match(pattern, options.limit)
    except PatternError:
        return  # the play tells by itself
    for host in hosts:
        name = host.vars.get("ansible_connection")
        if isinstance(name, str) and not is_template(name):
            yield name, f"host {host.name}"
