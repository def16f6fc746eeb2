"""`provision play`: playbooks, with ansible-playbook's options and exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from provisioner.cli.engine_options import engine_options, run_options, vault_secrets


@click.command("play")
@click.argument("playbooks", nargs=-1, required=True, type=click.Path(path_type=Path))
@engine_options
@click.option("-t", "--tags", multiple=True, help="Only tasks with one of these tags.")
@click.option("--skip-tags", multiple=True, help="No task with one of these tags.")
@click.option("--start-at-task", help="Skip everything before the task of this name.")
@click.option("--step", is_flag=True, help="Ask before each task.")
@click.option("--force-handlers", is_flag=True, help="Run handlers on hosts that failed, too.")
@click.option("--flush-cache", is_flag=True, help="Forget cached facts first.")
@click.option("--profile", is_flag=True, help="Show the slowest tasks at the end.")
def command(playbooks: tuple[Path, ...], inventories: tuple[str, ...], **values: Any) -> int:
    """Run PLAYBOOKS on the hosts of an inventory. Ends with 0, 2 (hosts failed) or 4 (hosts unreachable)."""
    from provisioner.cli.play_output import PlayOutput
    from provisioner.cluster.sessions import Sessions
    from provisioner.engine.runner import Runner
    from provisioner.inventory import load

    secrets = vault_secrets(values["vault_files"], values["vault_ids"], values["ask_vault_pass"])
    options = run_options(
        values,
        tags=_words(values["tags"]),
        skip_tags=_words(values["skip_tags"]),
        start_at_task=values["start_at_task"],
        force_handlers=values["force_handlers"],
        flush_cache=values["flush_cache"],
        step=_ask_step if values["step"] else None,
        vault=secrets,
    )
    loaded = load(inventories, extra_vars=options.extra_vars, vault=secrets)
    output = PlayOutput(values["verbose"], profile=values["profile"])
    with Sessions(forks=values["forks"]) as sessions:
        result = Runner(loaded, options=options, sessions=sessions, callbacks=[output]).run(playbooks)
    if result.aborted:
        click.echo(result.aborted, err=True)
    return result.exit_code


def _words(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def _ask_step(name: str) -> str:
    return str(click.prompt(f"Perform task: {name} (N)o/(y)es/(c)ontinue", default="n", show_default=False))[:1].lower()
