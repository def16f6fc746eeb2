"""Where passwords come from: files, programs that print them, and whoever sits at the terminal. Source: Ansible's --vault-id and its kin."""

from __future__ import annotations

import getpass
import os
import subprocess
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from provisioner.templating.vault import VaultSecrets

DEFAULT = "default"
# The exit code of a program that is asked for an id and has no password for it.
_UNKNOWN_ID = 2


def vault_secrets(
    vault_files: tuple[Path, ...], vault_ids: tuple[str, ...], ask_vault_pass: bool, *, match: bool = False
) -> VaultSecrets | None:
    """None when no secret was named. With `match` an envelope's own id is the only one that is tried. One that can't be had is a warning where others can, else click.ClickException."""
    from provisioner.templating.vault import VaultSecrets

    secrets: dict[str, bytes] = {}
    failures: list[tuple[str, click.ClickException]] = []
    wanted = [*((DEFAULT, str(path)) for path in vault_files), *map(_label_and_source, vault_ids)]
    for label, source in wanted:
        if source in ("prompt", "prompt_ask_vault_pass"):
            secrets[label] = _asked(label)
            continue
        try:
            password = read_password(Path(source), label)
        except click.ClickException as problem:
            failures.append((label, problem))
            continue
        # Several files without a label of their own: each is tried.
        secrets[label if label not in secrets else source] = password
    if ask_vault_pass:
        secrets[DEFAULT] = _asked("")
    if failures and not secrets:
        raise failures[0][1]
    for label, failure in failures:
        click.echo(f"[WARNING]: Error getting vault password file ({label}): {failure.message}", err=True)
    empty = [name for name, secret in secrets.items() if not secret]
    if empty:
        raise click.ClickException(f"Invalid vault password was provided: that of {', '.join(empty)} is empty")
    return VaultSecrets(secrets, match) if secrets else None


def named_sources(
    files: tuple[Path, ...], ids: tuple[str, ...], ask_vault_pass: bool, settings: Mapping[str, Any]
) -> tuple[tuple[Path, ...], tuple[str, ...], bool]:
    """As they were given; where nothing was, as ansible.cfg and $ANSIBLE_VAULT_* have them."""
    if files or ids or ask_vault_pass:
        return files, ids, ask_vault_pass
    path = settings.get("DEFAULT_VAULT_PASSWORD_FILE")
    found = tuple(settings.get("DEFAULT_VAULT_IDENTITY_LIST", ()))
    return ((Path(path),) if path else ()), found, bool(settings.get("DEFAULT_ASK_VAULT_PASS"))


def _label_and_source(identity: str) -> tuple[str, str]:
    label, at, source = identity.partition("@")
    return (label or DEFAULT, source) if at else (DEFAULT, identity)


def read_password(path: Path, vault_id: str | None = None) -> bytes:
    """What is in a file, or what it prints where it may be run: with `--vault-id ID` where its name ends with -client."""
    path = path.expanduser().absolute()
    try:
        if path.is_dir():
            raise click.ClickException(f"The password file {path} can not be a directory")
        if not os.access(path, os.X_OK):
            return path.read_bytes().strip()
    except FileNotFoundError as e:
        raise click.ClickException(f"The password file {path} was not found") from e
    except OSError as e:
        raise click.ClickException(f"The password file {path} can't be read: {e.strerror}") from e
    return _printed(path, vault_id if path.stem.endswith("-client") else None)


def _printed(path: Path, vault_id: str | None) -> bytes:
    """The program's own words of what goes wrong come through: it may ask its user there."""
    try:
        ran = subprocess.run([path, *(["--vault-id", vault_id] if vault_id else [])], stdout=subprocess.PIPE, check=False)
    except OSError as e:
        hint = "if it is not a program, remove the executable bit from the file"
        raise click.ClickException(f"The password file {path} can't be run: {e.strerror}; {hint}") from e
    if vault_id and ran.returncode == _UNKNOWN_ID:
        raise click.ClickException(f"Vault password client script {path} did not find a secret for vault-id={vault_id}")
    if ran.returncode:
        raise click.ClickException(f"Vault password script {path} returned non-zero ({ran.returncode})")
    return ran.stdout.strip(b"\r\n")


def ask(text: str) -> bytes:
    """What somebody types. Raises EOFError where nobody does."""
    try:
        with warnings.catch_warnings():
            # Without a terminal nothing can be hidden, and nobody looks.
            warnings.simplefilter("ignore", getpass.GetPassWarning)
            return str(click.prompt(text, hide_input=True, err=True)).encode()
    except click.Abort as e:
        if isinstance(e.__context__, EOFError):
            raise e.__context__ from None
        raise


def _asked(label: str) -> bytes:
    try:
        return ask(f"Vault password ({label})" if label else "Vault password")
    except EOFError:
        raise click.ClickException(f"EOFError (ctrl-d) on prompt for ({label or DEFAULT})") from None
