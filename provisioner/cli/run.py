"""`provision run`: one module on some hosts, as `ansible PATTERN -m MODULE -a ARGS`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from provisioner.cli.engine_options import engine_options, reach_machines, run_options, secrets_of


@click.command("run")
@click.argument("pattern")
@click.option("-m", "--module-name", "module", default="command", show_default=True)
@click.option("-a", "--args", "arguments", default="", help="k=v words, JSON, or free text.")
@click.option("-o", "--one-line", is_flag=True)
@engine_options
def command(pattern: str, module: str, arguments: str, one_line: bool, inventories: tuple[str, ...], **values: Any) -> int:
    """Run one module on the hosts of PATTERN."""
    import yaml

    from provisioner.cli.adhoc_output import AdhocOutput
    from provisioner.cluster.sessions import Sessions
    from provisioner.engine.runner import Runner
    from provisioner.inventory import load

    secrets = secrets_of(values)
    options = run_options(values, vault=secrets)
    loaded = load(inventories, extra_vars=options.extra_vars, vault=secrets)
    reach_machines(loaded, inventories)
    with TemporaryDirectory(prefix="provision-run-") as folder, Sessions(forks=values["forks"]) as sessions:
        playbook = Path(folder) / "run.yaml"
        playbook.write_text(yaml.safe_dump(adhoc_play(pattern, module, arguments), sort_keys=False))
        result = Runner(loaded, options=options, sessions=sessions, callbacks=[AdhocOutput(one_line)]).run([playbook])
    return result.exit_code


def adhoc_play(pattern: str, module: str, arguments: str) -> list[dict[str, Any]]:
    """A play of one task."""
    import json

    given: Any = arguments
    if arguments.lstrip().startswith("{"):
        try:
            given = json.loads(arguments)
        except ValueError as e:
            raise click.UsageError(f"-a: neither words nor JSON: {e}") from e
    return [{"name": "run", "hosts": pattern, "gather_facts": False, "tasks": [{"name": module, module: given or None}]}]
