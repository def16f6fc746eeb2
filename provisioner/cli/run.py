"""`provision run`: one module on some hosts, as `ansible PATTERN -m MODULE -a ARGS`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from provisioner.cli.engine_options import engine_options, reach_machines, run_options, secrets_of, tell_config


@click.command("run")
@click.argument("pattern")
@click.option("-m", "--module-name", "module", help="The module (command).")
@click.option("-a", "--args", "arguments", help="k=v words, JSON, or free text.")
@click.option("-o", "--one-line", is_flag=True)
@click.option(
    "-t", "--tree", type=click.Path(path_type=Path, file_okay=False), help="Also keep each host's result in a file of this folder."
)
@click.option(
    "--playbook-dir", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Where roles, files and group_vars are."
)
@click.option("-B", "--background", type=click.IntRange(min=0), default=0, help="Run in the background, for at most so many seconds.")
@click.option("-P", "--poll", type=click.IntRange(min=0), help="Seconds between looks at what runs in the background (15).")
@click.option("--task-timeout", type=click.FloatRange(min=0), help="Seconds that the module may take on a host, 0 for no limit.")
@click.option("--list-hosts", is_flag=True, help="Only say which hosts match.")
@engine_options
def command(pattern: str, module: str | None, arguments: str | None, one_line: bool, inventories: tuple[str, ...], **values: Any) -> int:
    """Run one module on the hosts of PATTERN."""
    import yaml

    from provisioner.cli.adhoc_output import AdhocOutput
    from provisioner.cli.inventory_sources import load_sources, warn_of_nobody, warn_of_patterns
    from provisioner.cluster.sessions import Sessions
    from provisioner.engine.errors import PlaybookError
    from provisioner.engine.runner import Runner
    from provisioner.inventory.patterns import PatternError

    module = module or str(values["settings"].get("DEFAULT_MODULE_NAME", "command"))
    arguments = str(values["settings"].get("DEFAULT_MODULE_ARGS", "")) if arguments is None else arguments
    if not values["list_hosts"] and module.rpartition(".")[2] in ("command", "shell", "raw", "script") and not arguments.strip():
        raise _WrongOption(f"No argument passed to {module} module")
    secrets = secrets_of(values)
    if values["task_timeout"] is not None:
        values["settings"]["TASK_TIMEOUT"] = values["task_timeout"]
    options = run_options(values, vault=secrets, playbook_dir=(values["playbook_dir"] or Path()).absolute())
    loaded = load_sources(inventories, values["settings"], [options.playbook_dir or Path()], options.extra_vars, secrets)
    warn_of_nobody(loaded, values["settings"])
    try:
        hosts = loaded.match(pattern, options.limit)
    except PatternError as e:
        raise click.ClickException(str(e)) from e
    lost = bool(not hosts and options.limit and loaded.hosts)
    if lost or values["list_hosts"]:
        warn_of_patterns(loaded, values["settings"], pattern, options.limit)
    if lost:
        raise click.ClickException("Specified inventory, host pattern and/or --limit leaves us with no hosts to target.")
    if values["list_hosts"]:
        if not hosts:
            click.echo("[WARNING]: No hosts matched, nothing to do", err=True)
        click.echo("\n".join([f"  hosts ({len(hosts)}):", *(f"    {host.name}" for host in hosts)]))
        return 0
    reach_machines(loaded, inventories)
    tell_config(values)
    background = {"async": values["background"], "poll": values["poll"]} if values["background"] else {}
    if values["poll"] is None:
        background.pop("poll", None)
    play = adhoc_play(pattern, module, arguments, background)
    output = AdhocOutput(one_line, origin_of(play), values["tree"])
    with TemporaryDirectory(prefix="provision-run-") as folder, Sessions(forks=values["forks"]) as sessions:
        playbook = Path(folder) / "run.yaml"
        playbook.write_text(yaml.safe_dump(play, sort_keys=False))
        try:
            return Runner(loaded, options=options, sessions=sessions, callbacks=[output]).run([playbook]).exit_code
        except PlaybookError as e:
            raise _WrongContent(e.message) from e


class _WrongContent(click.ClickException):
    exit_code = 2


class _WrongOption(click.ClickException):
    exit_code = 5  # as ansible


def adhoc_play(pattern: str, module: str, arguments: str, keywords: dict[str, Any]) -> list[dict[str, Any]]:
    """A play of one task, which has these keywords besides."""
    import json

    action: Any = f"{module} {arguments}".rstrip()
    if arguments.lstrip().startswith("{"):
        try:
            action = {"module": module, "args": json.loads(arguments)}
        except ValueError as e:
            raise click.UsageError(f"-a: neither words nor JSON: {e}") from e
    return [{"name": "run", "hosts": pattern, "gather_facts": False, "tasks": [{"name": module, "action": action, **keywords}]}]


def origin_of(play: list[dict[str, Any]]) -> str:
    """The one task of such a play, as failures show it."""
    from provisioner.engine.arguments import parse

    task = play[0]["tasks"][0]
    name, given = task["name"], task["action"]
    text = "" if isinstance(given, dict) else given.removeprefix(name).strip()
    try:
        args = given["args"] if isinstance(given, dict) else parse(name, text)
    except ValueError:
        args = {"_raw_params": text}
    return str({"action": name, "args": args, "timeout": 0, "async_val": task.get("async", 0), "poll": task.get("poll", 15)})
