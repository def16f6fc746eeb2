"""`provision facts`: what the setup module finds, as JSON by host."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.engine_options import engine_options, reach_machines, run_options, secrets_of
from provisioner.templating.sorted_json import sorted_json

if TYPE_CHECKING:
    from provisioner.engine.events import Event


@click.command("facts")
@click.argument("pattern", default="all")
@click.option("--filter", "filters", multiple=True, help="Only facts of these names (wildcards).")
@engine_options
def command(pattern: str, filters: tuple[str, ...], inventories: tuple[str, ...], **values: Any) -> int:
    """Print the facts of the hosts of PATTERN as JSON."""
    import yaml

    from provisioner.cli.inventory_sources import load_sources
    from provisioner.cluster.sessions import Sessions
    from provisioner.engine.events import HostDone
    from provisioner.engine.runner import Runner

    found: dict[str, Any] = {}

    def collect(event: Event) -> None:
        if isinstance(event, HostDone):
            found[event.host] = event.result.get("ansible_facts") or {"problem": event.result.get("msg", "no facts")}

    secrets = secrets_of(values)
    options = run_options(values, vault=secrets)
    loaded = load_sources(inventories, values["settings"], [Path()], options.extra_vars, secrets)
    reach_machines(loaded, inventories)
    task: dict[str, Any] = {"name": "facts", "setup": {"filter": list(filters)} if filters else {}}
    play = [{"hosts": pattern, "gather_facts": False, "tasks": [task]}]
    with TemporaryDirectory(prefix="provision-facts-") as folder, Sessions(forks=values["forks"]) as sessions:
        playbook = Path(folder) / "facts.yaml"
        playbook.write_text(yaml.safe_dump(play))
        result = Runner(loaded, options=options, sessions=sessions, callbacks=[collect]).run([playbook])
    click.echo(sorted_json(found, indent=4, default=str))
    return result.exit_code
