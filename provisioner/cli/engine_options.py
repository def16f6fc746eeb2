"""Options of `play` and `run`, named as Ansible's users know them, and their way into RunOptions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.inventory_sources import expanded_limit
from provisioner.cli.vault_passwords import ask, named_sources, read_password, vault_secrets

if TYPE_CHECKING:
    from provisioner.engine.options import RunOptions
    from provisioner.inventory import Inventory
    from provisioner.templating.vault import VaultSecrets

DEFAULT_FORKS = 20  # ssh sessions are cheap here: one channel a host; Ansible has 5

_OPTIONS = [
    click.option(
        "-i", "--inventory", "--inventory-file", "inventories", multiple=True, help="A file, folder, program, or host1,host2, list."
    ),
    click.option("-l", "--limit", "--subset", callback=expanded_limit, help="Only these of the hosts (a pattern, or @FILE with some)."),
    click.option("-C", "--check", is_flag=True, help="Say what would change, and change nothing."),
    click.option("-D", "--diff", is_flag=True, help="Show differences of files."),
    click.option("-e", "--extra-vars", multiple=True, help="k=v, JSON, YAML or @file."),
    click.option("-f", "--forks", type=click.IntRange(1, 500), help="Hosts at a time (20)."),
    click.option("-b", "--become", is_flag=True, help="Run tasks as another user (root)."),
    click.option("--become-user", help="The user to become."),
    click.option("--become-method", type=click.Choice(["sudo", "su"])),
    click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for the password of sudo."),
    click.option("-k", "--ask-pass", is_flag=True, help="Ask for the password of SSH."),
    click.option("-u", "--user", help="Log in as this user."),
    click.option("-c", "--connection", help="ssh or local."),
    click.option("--become-password-file", "--become-pass-file", type=click.Path(path_type=Path), help="Holds the password of sudo."),
    click.option("--connection-password-file", "--conn-pass-file", type=click.Path(path_type=Path), help="Holds the password of SSH."),
    click.option("--ssh-common-args", help="Options of ssh, such as -o ProxyJump=…"),
    click.option("--ssh-extra-args", help="More options of ssh."),
    # Files travel over the one channel of a host: there is neither scp nor sftp to give words to.
    click.option("--scp-extra-args", hidden=True, expose_value=False),
    click.option("--sftp-extra-args", hidden=True, expose_value=False),
    click.option("--flush-cache", is_flag=True, help="Forget cached facts first."),
    click.option("-M", "--module-path", multiple=True, help="Folders with modules of your own, separated by colons."),
    click.option("--private-key", "--key-file", type=click.Path(path_type=Path), help="Log in with this key."),
    click.option("-T", "--timeout", type=click.FloatRange(min=1), help="Seconds that connecting to a host may take (10)."),
    click.option("--vault-password-file", "--vault-pass-file", "vault_files", multiple=True, type=click.Path(path_type=Path)),
    click.option("--vault-id", "vault_ids", multiple=True, help="label@file or label@prompt."),
    click.option("-J", "--ask-vault-pass", "--ask-vault-password", "ask_vault_pass", is_flag=True),
    click.option("-v", "--verbose", count=True),
]


def engine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; what the command line leaves open is filled from ansible.cfg and $ANSIBLE_* variables."""

    @functools.wraps(function)
    def settled(*args: Any, **values: Any) -> Any:
        return function(*args, **with_settings(values))

    made: Callable[..., Any] = settled
    for option in reversed(_OPTIONS):
        made = option(made)
    return made


# An option's name, and the setting that holds where it was not given.
_FILLED = {
    "forks": "DEFAULT_FORKS",
    "inventories": "DEFAULT_HOST_LIST",
    "user": "DEFAULT_REMOTE_USER",
    "private_key": "DEFAULT_PRIVATE_KEY_FILE",
    "become": "DEFAULT_BECOME",
    "become_method": "DEFAULT_BECOME_METHOD",
    "become_user": "DEFAULT_BECOME_USER",
    "ask_become_pass": "DEFAULT_BECOME_ASK_PASS",
    "ask_pass": "DEFAULT_ASK_PASS",
    "become_password_file": "BECOME_PASSWORD_FILE",
    "connection_password_file": "CONNECTION_PASSWORD_FILE",
    "module_path": "DEFAULT_MODULE_PATH",
    "diff": "DIFF_ALWAYS",
    "verbose": "DEFAULT_VERBOSITY",
    "tags": "TAGS_RUN",
    "skip_tags": "TAGS_SKIP",
    "force_handlers": "DEFAULT_FORCE_HANDLERS",
    "ssh_common_args": "SSH_COMMON_ARGS",
    "ssh_extra_args": "SSH_EXTRA_ARGS",
}


def with_settings(values: dict[str, Any]) -> dict[str, Any]:
    """A parsed command line with the settings put in; `settings` holds all of them."""
    from provisioner.engine.ansible_config import ConfigError, read_settings

    try:
        settings = read_settings()
    except ConfigError as e:
        raise click.ClickException(str(e)) from e
    filled = dict(values)
    for option, name in _FILLED.items():
        if option in values and not values[option] and name in settings:
            filled[option] = tuple(settings[name]) if isinstance(settings[name], list) else settings[name]
    filled["forks"] = filled["forks"] or DEFAULT_FORKS
    for option in ("private_key", "become_password_file", "connection_password_file"):
        if filled[option]:
            filled[option] = Path(filled[option])
    given = (values["vault_files"], values["vault_ids"], values["ask_vault_pass"])
    filled["vault_files"], filled["vault_ids"], filled["ask_vault_pass"] = named_sources(*given, settings)
    if filled["timeout"]:
        settings["DEFAULT_TIMEOUT"] = filled["timeout"]
    filled["settings"] = settings
    return filled


def reach_machines(loaded: Inventory, sources: tuple[str, ...]) -> None:
    """Tells an inventory with `machines:` how its hosts are reached; what it says itself about a host stays."""
    from provisioner.machines.provider import provider_for, tell_connections

    files = [Path(source) for source in sources if Path(source).is_file()]
    if loaded.machines is not None and files:
        tell_connections(loaded, provider_for(loaded, files[0]))


def secrets_of(values: dict[str, Any]) -> VaultSecrets | None:
    """The vault's secrets of a parsed command line."""
    match = bool(values["settings"].get("DEFAULT_VAULT_ID_MATCH"))
    return vault_secrets(values["vault_files"], values["vault_ids"], values["ask_vault_pass"], match=match)


def run_options(values: dict[str, Any], **more: Any) -> RunOptions:
    """From the parsed command line; `more` are the options that only one command has."""
    from provisioner.cli import extra_vars
    from provisioner.engine.options import RunOptions

    return RunOptions(
        check=values["check"],
        diff=values["diff"],
        limit=values["limit"],
        forks=values["forks"],
        extra_vars=extra_vars.parse(
            values["extra_vars"], more.get("vault"), deep=values["settings"].get("DEFAULT_HASH_BEHAVIOUR") == "merge"
        ),
        become=True if values["become"] else None,
        become_user=values["become_user"],
        become_method=values["become_method"],
        become_password=_password(values["ask_become_pass"], values["become_password_file"], "BECOME password"),
        connection_password=_password(values["ask_pass"], values["connection_password_file"], "SSH password"),
        ssh_common_args=" ".join(
            part for part in (values["settings"].get("SSH_ARGS"), values["ssh_common_args"], values["ssh_extra_args"]) if part
        )
        or None,
        module_path=tuple(Path(part).expanduser() for entry in values["module_path"] for part in entry.split(":") if part),
        remote_user=values["user"],
        private_key_file=values["private_key"],
        connection=values["connection"],
        flush_cache=values["flush_cache"],
        verbosity=values["verbose"],
        roles_path=tuple(Path(part) for part in values["settings"].get("DEFAULT_ROLES_PATH", ())),
        fact_cache=_fact_cache(values["settings"]),
        settings=values["settings"],
        prompt=_prompt,
        **more,
    )


def tell_config(values: Mapping[str, Any]) -> None:
    """Who wants to know more is told which ansible.cfg counts."""
    if values["verbose"]:
        config = values["settings"].get("CONFIG_FILE")
        click.echo(f"Using {config} as config file" if config else "No config file found; using defaults")


def _prompt(text: str, private: bool) -> str:
    """What somebody types. Raises EOFError where nobody sits, and KeyboardInterrupt."""
    import sys

    if not sys.stdin.isatty():
        raise EOFError(f"nobody answers {text!r}")
    try:
        return str(click.prompt(text, hide_input=private, default="", show_default=False))
    except click.Abort:
        raise KeyboardInterrupt from None


def _fact_cache(settings: Mapping[str, Any]) -> Path | None:
    """Where facts are kept between runs, when ansible.cfg wants that (fact_caching = jsonfile)."""
    plugin = str(settings.get("CACHE_PLUGIN", "memory")).split(".")[-1]
    if plugin == "memory":
        return None
    if plugin != "jsonfile":
        raise click.ClickException(f"fact_caching = {plugin} is not known; memory and jsonfile are")
    if "CACHE_PLUGIN_CONNECTION" not in settings:
        raise click.ClickException("fact_caching = jsonfile needs fact_caching_connection, the folder of the cache")
    return Path(settings["CACHE_PLUGIN_CONNECTION"])


def _password(ask_for_it: bool, file: Path | None, text: str) -> str | None:
    if file is not None:
        return read_password(file).decode()
    try:
        return ask(text).decode() if ask_for_it else None
    except EOFError:
        return None  # as Ansible: it may not be needed
