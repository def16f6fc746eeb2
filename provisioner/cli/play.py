"""`provision play`: playbooks, with ansible-playbook's options and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.engine_options import engine_options, reach_machines, run_options, secrets_of, tell_config

if TYPE_CHECKING:
    from provisioner.engine.events import Event
    from provisioner.engine.task_debugger import Answer, Stopped
    from provisioner.inventory import Inventory

NO_HOSTS = 1  # ansible-playbook's code when --limit leaves no host
INTERRUPTED = 99  # a person has ended the run at a prompt


@click.command("play")
@click.argument("playbooks", nargs=-1, required=True, type=click.Path(path_type=Path))
@engine_options
@click.option("-t", "--tags", multiple=True, help="Only tasks with one of these tags.")
@click.option("--skip-tags", multiple=True, help="No task with one of these tags.")
@click.option("--start-at-task", help="Skip everything before the task of this name.")
@click.option("--step", is_flag=True, help="Ask before each task.")
@click.option("--force-handlers", is_flag=True, help="Run handlers on hosts that failed, too.")
@click.option("--list-hosts", is_flag=True, help="Only say which hosts each play is for.")
@click.option("--list-tasks", is_flag=True, help="Only say which tasks would run.")
@click.option("--list-tags", is_flag=True, help="Only say which tags there are.")
@click.option("--syntax-check", is_flag=True, help="Only read everything and say what is wrong.")
@click.option("--profile", is_flag=True, help="Show the slowest tasks at the end, and where the time went.")
@click.option("--output", type=click.Choice(["text", "json", "jsonl", "junit"]), default="text", show_default=True)
def command(playbooks: tuple[Path, ...], inventories: tuple[str, ...], **values: Any) -> int:
    """Run PLAYBOOKS on the hosts of an inventory. Ends with 0, 2 (hosts failed), 4 (hosts unreachable, or wrong syntax), 1 (other)."""
    from provisioner.cli.error_blocks import excerpt
    from provisioner.cli.inventory_sources import load_sources, warn_of_nobody, warn_of_patterns
    from provisioner.cli.play_listing import Wanted
    from provisioner.cluster.sessions import Sessions
    from provisioner.engine.errors import PlaybookError, RunInterrupted
    from provisioner.engine.runner import Runner

    for playbook in playbooks:
        if not playbook.is_file():
            raise click.ClickException(f"the playbook: {playbook} could not be found")
    secrets = secrets_of(values)
    options = run_options(
        values,
        tags=_words(values["tags"]),
        skip_tags=_words(values["skip_tags"]),
        start_at_task=values["start_at_task"],
        force_handlers=values["force_handlers"],
        step=_ask_step if values["step"] else None,
        debugger=_ask_debugger,
        vault=secrets,
    )
    loaded = load_sources(inventories, values["settings"], [book.parent for book in playbooks], options.extra_vars, secrets)
    warn_of_nobody(loaded, values["settings"])
    if options.limit and loaded.hosts and not loaded.match("all", options.limit):
        warn_of_patterns(loaded, values["settings"], options.limit)
        click.echo("[ERROR]: Specified inventory, host pattern and/or --limit leaves us with no hosts to target.", err=True)
        return NO_HOSTS
    wanted = Wanted(values["list_hosts"], values["list_tasks"], values["list_tags"], values["syntax_check"])
    try:
        if wanted:
            warn_of_patterns(loaded, values["settings"], options.limit)
            return _list(playbooks, loaded, options, wanted)
        reach_machines(loaded, inventories)
        if values["output"] == "text":
            tell_config(values)
        with Sessions(forks=values["forks"]) as sessions:
            result = Runner(loaded, options=options, sessions=sessions, callbacks=_callbacks(values)).run(playbooks)
    except RunInterrupted as e:
        if str(e):
            click.echo(f"provision: {e}", err=True)
        return INTERRUPTED
    except PlaybookError as e:
        click.echo("\n".join([f"provision: {e}", *excerpt(e.location)]), err=True)
        return e.exit_code
    if result.start_missing:
        missing = f'No matching task "{options.start_at_task}" found.'
        click.echo(f"[ERROR]: {missing} Note: --start-at-task can only follow static includes.", err=True)
    if result.aborted:
        click.echo(result.aborted, err=True)
    return result.exit_code


def _list(playbooks: tuple[Path, ...], loaded: Inventory, options: Any, wanted: Any) -> int:
    from provisioner.cli.play_listing import listing
    from provisioner.engine.runner import Runner

    runner = Runner(loaded, options=options, sessions=_NoSessions())
    parsed = runner.parse(playbooks)
    names = [str(playbook) for playbook in playbooks]
    chosen = {"limit": options.limit, "only": options.tags, "skip": options.skip_tags}
    for line in listing(parsed, loaded, wanted, **chosen, names=names, scope=runner.scope):
        click.echo(line)
    return 0


class _NoSessions:
    """For runs that only read content."""

    def session(self, host: Any) -> Any:
        raise NotImplementedError("reading content needs no connection")


def _callbacks(values: dict[str, Any]) -> list[Callable[[Event], None]]:
    from provisioner.cli.play_records import JUnitReport
    from provisioner.cli.retry_file import RetryFile

    folder = values["settings"].get("RETRY_FILES_SAVE_PATH")
    retry = [RetryFile(Path(folder) if folder else None)] if values["settings"].get("RETRY_FILES_ENABLED") else []
    enabled = {str(name).rpartition(".")[2] for name in values["settings"].get("CALLBACKS_ENABLED", ())}
    junit = [JUnitReport(folder=Path(os.environ.get("JUNIT_OUTPUT_DIR", "~/.ansible.log")).expanduser())] if "junit" in enabled else []
    return [*retry, *junit, _output(values)]


def _output(values: dict[str, Any]) -> Callable[[Event], None]:
    from provisioner.cli import play_records
    from provisioner.cli.adhoc_output import AdhocOutput
    from provisioner.cli.output_style import OutputStyle
    from provisioner.cli.play_output import PlayOutput

    chosen = str(values["settings"].get("DEFAULT_STDOUT_CALLBACK", "default")).split(".")[-1]
    match chosen if values["output"] == "text" else values["output"]:
        case "minimal" | "oneline":
            return AdhocOutput(chosen == "oneline")
        case "json":
            return play_records.JsonDocument()
        case "jsonl":
            return play_records.JsonLines()
        case "junit":
            return play_records.JUnitReport()
    style = OutputStyle.of(values["settings"], check=values["check"])
    return PlayOutput(values["verbose"], profile=values["profile"], colour=style.is_coloured(sys.stdout), style=style)


def _words(values: tuple[str, ...]) -> tuple[str, ...]:
    """Words between commas. An option that is there and empty is one empty word: no task has such a tag."""
    words = [word.strip() for value in values for word in value.split(",")]
    return tuple([word for word in words if word] or words[:1])


def _ask_step(task: str, host: str | None) -> str:
    """Raises EOFError where nobody answers."""
    question = f"Perform task: {task} " + (f"on {host} " if host else "") + "(N)o/(y)es/(c)ontinue: "
    answer = input(question)
    click.echo(f"\n{question}{'*' * max(3, 80 - len(question))}")
    return answer


def _ask_debugger(stopped: Stopped) -> Answer:
    from provisioner.cli.task_debugger import ask

    return ask(stopped)
