"""`provision vault`: files and strings in Ansible's vault format."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.engine_options import vault_secrets

if TYPE_CHECKING:
    from provisioner.templating.vault import VaultSecrets


@click.group("vault")
def command() -> None:
    """Secrets in files and strings (format 1.1 and 1.2, AES256)."""


def _secret_options(function: Callable[..., Any]) -> Callable[..., Any]:
    function = click.option("--vault-id", "vault_ids", multiple=True, help="label@file or label@prompt.")(function)
    return click.option("--vault-password-file", "vault_files", multiple=True, type=click.Path(path_type=Path))(function)


def _secrets(files: tuple[Path, ...], ids: tuple[str, ...]) -> VaultSecrets:
    found = vault_secrets(files, ids, not files and not ids)
    assert found is not None
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise click.ClickException(f"{path}: {e.strerror}") from e


def _replace(path: Path, data: bytes) -> None:
    """Atomic, 0600 from the first byte on."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    Path(name).replace(path)


def _open(secrets: VaultSecrets, path: Path) -> bytes:
    from provisioner.templating.vault import VaultError

    try:
        return secrets.decrypt(_read(path))
    except VaultError as e:
        raise click.ClickException(f"{path}: {e}") from e


@command.command("encrypt")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@_secret_options
def vault_encrypt(paths: tuple[Path, ...], vault_files: tuple[Path, ...], vault_ids: tuple[str, ...]) -> int:
    """Encrypt files in place."""
    secrets = _secrets(vault_files, vault_ids)
    for path in paths:
        data = _read(path)
        if data.startswith(b"$ANSIBLE_VAULT;"):
            raise click.ClickException(f"{path}: it is encrypted already")
        _replace(path, secrets.encrypt(data))
    return 0


@command.command("decrypt")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@_secret_options
def vault_decrypt(paths: tuple[Path, ...], vault_files: tuple[Path, ...], vault_ids: tuple[str, ...]) -> int:
    """Decrypt files in place."""
    secrets = _secrets(vault_files, vault_ids)
    for path in paths:
        _replace(path, _open(secrets, path))
    return 0


@command.command("view")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@_secret_options
def vault_view(paths: tuple[Path, ...], vault_files: tuple[Path, ...], vault_ids: tuple[str, ...]) -> int:
    """Print what is inside."""
    secrets = _secrets(vault_files, vault_ids)
    for path in paths:
        click.echo(_open(secrets, path), nl=False)
    return 0


@command.command("edit")
@click.argument("path", type=click.Path(path_type=Path))
@_secret_options
def vault_edit(path: Path, vault_files: tuple[Path, ...], vault_ids: tuple[str, ...]) -> int:
    """Open what is inside in $EDITOR, and encrypt it again."""
    secrets = _secrets(vault_files, vault_ids)
    before = _open(secrets, path)
    with tempfile.TemporaryDirectory(prefix="provision-vault-") as folder:
        plain = Path(folder) / path.name
        plain.touch(0o600)
        plain.write_bytes(before)
        subprocess.run([*os.environ.get("EDITOR", "vi").split(), str(plain)], check=True)
        after = plain.read_bytes()
    if after != before:
        _replace(path, secrets.encrypt(after))
    return 0


@command.command("encrypt_string")
@click.argument("text", required=False)
@click.option("-n", "--name", help="The variable's name.")
@_secret_options
def vault_encrypt_string(text: str | None, name: str | None, vault_files: tuple[Path, ...], vault_ids: tuple[str, ...]) -> int:
    """Print TEXT (or standard input) as an encrypted YAML value."""
    secrets = _secrets(vault_files, vault_ids)
    data = text.encode() if text is not None else sys.stdin.buffer.read()
    body = secrets.encrypt(data).decode().splitlines()
    click.echo("\n".join([f"{name}: !vault |" if name else "!vault |", *(f"          {line}" for line in body)]))
    return 0
