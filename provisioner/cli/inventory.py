"""`provision inventory`: the inventory as it is understood, with the options of ansible-inventory."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from provisioner.cli.inventory_sources import expanded_limit, warn_of_patterns
from provisioner.templating.sorted_json import sorted_json

if TYPE_CHECKING:
    from provisioner.inventory import Inventory
    from provisioner.inventory.listing import Listing


@click.command("inventory")
@click.argument("arguments", nargs=-1, metavar="[INVENTORY]... [GROUP]")
@click.option("-i", "--inventory", "--inventory-file", "more", multiple=True, help="A source; may be given again.")
@click.option("--list", "listed", is_flag=True, help="Groups and host variables, as ansible-inventory prints them.")
@click.option("--graph", "graphed", is_flag=True, help="Groups and hosts as a tree, of GROUP alone when -i names the inventory.")
@click.option("--host", help="The variables of one host.")
@click.option(
    "--vars", "with_vars", is_flag=True, help="With --graph: variables in the tree. Alone: what the roles were told in the last run."
)
@click.option("-y", "--yaml", "as_yaml", is_flag=True, help="YAML instead of JSON.")
@click.option("--toml", "as_toml", is_flag=True, help="TOML instead of JSON.")
@click.option("--export", is_flag=True, help="Variables where they are written, so that what is printed is an inventory.")
@click.option("--output", "output", type=click.Path(path_type=Path), help="Write the list to this file.")
@click.option("-l", "--limit", "--subset", callback=expanded_limit, help="Only these of the hosts (a pattern, or @FILE with some).")
@click.option("-e", "--extra-vars", multiple=True, help="k=v, JSON, YAML or @file.")
@click.option(
    "--playbook-dir", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Take group_vars/ and host_vars/ in here."
)
@click.option("--vault-password-file", "--vault-pass-file", "vault_files", multiple=True, type=click.Path(path_type=Path))
@click.option("--vault-id", "vault_ids", multiple=True, help="label@file or label@prompt.")
@click.option("-J", "--ask-vault-pass", "--ask-vault-password", "ask_vault_pass", is_flag=True)
@click.option("--flush-cache", is_flag=True, hidden=True, expose_value=False)  # sources are read anew each time
@click.option("-v", "--verbose", count=True)
def command(arguments: tuple[str, ...], more: tuple[str, ...], **values: Any) -> int:
    """Show hosts, groups and variables."""
    from provisioner.inventory.listing import Listing

    if sum(map(bool, (values["listed"], values["graphed"], values["host"]))) > 1:
        raise _WrongOption("Conflicting options used, only one of --host, --graph or --list can be used at the same time.")
    sources, group = ([*more], next(iter(arguments), "all")) if more else ([*arguments], "all")
    settings = _settings()
    sources = sources or list(settings.get("DEFAULT_HOST_LIST", ()))
    if not sources:
        raise click.UsageError("name an inventory")
    if values["with_vars"] and not (values["graphed"] or values["listed"] or values["host"]):
        _print_role_variables(Path(sources[0]))
        return 0
    loaded = _load(sources, settings, values)
    warn_of_patterns(loaded, settings, values["limit"])
    shown = Listing(loaded, values["export"], values["limit"])
    if values["host"] is not None:
        text = _dump(shown.host_variables(_host(loaded, values["host"])), values)
    elif values["listed"]:
        text = _dump(_document(shown, values), values)
    elif group not in loaded.groups:
        raise _WrongOption("Pattern must be valid group name when using --graph")
    else:
        text = "\n".join(shown.tree(group, variables=values["with_vars"]))
    if values["output"] is None:
        click.echo(text.removesuffix("\n"))
    else:
        _write(values["output"], text)
    return 0


class _WrongOption(click.ClickException):
    exit_code = 5  # as ansible-inventory


def _settings() -> dict[str, Any]:
    from provisioner.engine.ansible_config import ConfigError, read_settings

    try:
        return read_settings()
    except ConfigError as e:
        raise click.ClickException(str(e)) from e


def _load(sources: list[str], settings: dict[str, Any], values: dict[str, Any]) -> Inventory:
    from provisioner.cli import extra_vars
    from provisioner.cli.inventory_sources import load_sources
    from provisioner.cli.vault_passwords import named_sources, vault_secrets
    from provisioner.engine.errors import EngineError
    from provisioner.engine.own_vars import ask_for_listing
    from provisioner.inventory.variable_files import VariableFiles

    given = (values["vault_files"], values["vault_ids"], values["ask_vault_pass"])
    secrets = vault_secrets(*named_sources(*given, settings), match=bool(settings.get("DEFAULT_VAULT_ID_MATCH")))
    here = [values["playbook_dir"] or Path()]
    more = extra_vars.parse(values["extra_vars"], secrets, deep=settings.get("DEFAULT_HASH_BEHAVIOUR") == "merge")
    loaded = load_sources(sources, settings, here, more, secrets)
    if values["playbook_dir"]:
        loaded.playbook_files = (VariableFiles(values["playbook_dir"], secrets),)
        loaded.changed()
    try:
        ask_for_listing(loaded, values["playbook_dir"], settings, secrets)
    except EngineError as e:
        raise click.ClickException(str(e)) from e
    return loaded


def _host(loaded: Inventory, name: str) -> Any:
    found = loaded.match(name) if name in loaded.hosts or name in ("localhost", "127.0.0.1", "::1") else []
    if len(found) != 1:
        raise _WrongOption(f"You must pass a single valid host to --host parameter; hosts: {', '.join(loaded.hosts)}")
    return found[0]


def _document(shown: Listing, values: dict[str, Any]) -> dict[str, Any]:
    if values["as_yaml"]:
        return shown.nested()
    return shown.flat() if values["as_toml"] else shown.for_programs()


def _dump(value: dict[str, Any], values: dict[str, Any]) -> str:
    from provisioner.inventory.listing import marked

    if values["as_yaml"]:
        from provisioner.templating.filters.data import to_yaml
        from provisioner.templating.scope import copied

        return to_yaml(copied(value), default_flow_style=False, allow_unicode=True).rstrip("\n") + "\n"
    if values["as_toml"]:
        try:
            tomli_w = importlib.import_module("tomli_w")
        except ImportError:
            raise click.ClickException('The Python library "tomli-w" is required when using the TOML output format.') from None
        try:
            return str(tomli_w.dumps(value))
        except TypeError as e:
            raise click.ClickException(f"TOML cannot hold every value: {e}; choose --yaml or JSON") from None
    # The C encoder does not indent, and one in Python takes half a minute for 100,000 hosts.
    return msgspec.json.format(sorted_json(marked(value), default=str, ensure_ascii=False), indent=4)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as e:
        raise click.ClickException(f"{path}: {e.strerror}") from e


def _print_role_variables(path: Path) -> None:
    from provisioner.cluster.context import open_cluster
    from provisioner.cluster.errors import NotMadeError

    state = open_cluster(path).state
    if not state.variables.exists():
        raise NotMadeError(f"{state.variables} is not there yet", hint=f"it is written by: provision up {path}")
    click.echo(state.variables.read_text(), nl=False)
