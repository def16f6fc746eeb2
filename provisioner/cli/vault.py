"""`provision vault`: files and strings in Ansible's vault format, with the commands and options of ansible-vault."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from provisioner.templating.vault import VaultSecrets

_STREAM = Path("-")


class _WrongOptions(click.ClickException):
    """Options that do not go together, with ansible-vault's exit code for them."""

    exit_code = 5


@click.group("vault")
def command() -> None:
    """Secrets in files and strings (format 1.1 and 1.2, AES256)."""


def _secret_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--vault-id", "vault_ids", multiple=True, help="label@file or label@prompt."),
        click.option("--vault-password-file", "--vault-pass-file", "vault_files", multiple=True, type=click.Path(path_type=Path)),
        click.option("-J", "--ask-vault-pass", "--ask-vault-password", "ask", is_flag=True, help="Ask for the password."),
        click.option("-v", "--verbose", "_verbose", count=True, expose_value=False),
    ):
        function = option(function)
    return function


_encrypt_id = click.option("--encrypt-vault-id", "wanted", help="Which of the vault ids encrypts.")
_output = click.option("--output", type=click.Path(path_type=Path, allow_dash=True), help="Write here; - is standard output.")
_paths = click.argument("paths", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))


def _secrets(files: tuple[Path, ...], ids: tuple[str, ...], ask: bool, *, confirm: bool = False) -> VaultSecrets:
    """What the options name, else what ansible.cfg and $ANSIBLE_VAULT_* name, else what somebody types."""
    from provisioner.cli.vault_passwords import named_sources, vault_secrets
    from provisioner.templating.vault import VaultSecrets

    settings = _settings()
    match = bool(settings.get("DEFAULT_VAULT_ID_MATCH"))
    files, ids, ask = named_sources(files, ids, ask, settings)
    if not files and not ids and not ask:
        return VaultSecrets({"default": _typed("Vault password", confirm=confirm)})
    found = vault_secrets(files, ids, ask, match=match)
    assert found is not None
    return found


def _typed(text: str, *, confirm: bool) -> bytes:
    """Raises click.ClickException where nobody is there to type."""
    try:
        return str(click.prompt(text, hide_input=True, confirmation_prompt=confirm, err=True)).encode()
    except click.Abort as e:
        if isinstance(e.__context__, EOFError):
            raise click.ClickException("EOFError (ctrl-d) on prompt for (default)") from None
        raise


def _settings() -> dict[str, Any]:
    from provisioner.engine.ansible_config import ConfigError, read_settings

    try:
        return read_settings()
    except ConfigError as e:
        raise click.ClickException(str(e)) from e


def _chosen(secrets: VaultSecrets, wanted: str | None) -> str:
    """The id that encrypts: the one given, else `vault_encrypt_identity`. Raises click.ClickException where nothing says which."""
    wanted = wanted or _settings().get("DEFAULT_VAULT_ENCRYPT_IDENTITY")
    if wanted is not None:
        if wanted not in secrets.by_id:
            raise click.ClickException(f"Did not find a match for --encrypt-vault-id={wanted} in the known vault-ids {list(secrets.by_id)}")
        return wanted
    if len(secrets.by_id) > 1:
        raise _WrongOptions(
            f"The vault-ids {','.join(secrets.by_id)} are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id"
        )
    return next(iter(secrets.by_id))


def _read(path: Path) -> bytes:
    if path == _STREAM:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as e:
        raise click.ClickException(f"Unable to read source file ({path}): {e.strerror}") from e


def _replace(path: Path, data: bytes) -> None:
    """Atomic, readable by the owner alone from the first byte on; a file that is there keeps its mode."""
    if path == _STREAM:
        click.echo(data, nl=False)
        return
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(path.resolve() if path.is_symlink() else path)
    except OSError as e:
        raise click.ClickException(f"{path} cannot be written: {e.strerror}") from e


def _open(secrets: VaultSecrets, path: Path) -> tuple[str, bytes]:
    """(Id of the secret that opened it, what is inside)."""
    from provisioner.templating.vault import HEADER, VaultError

    data = _read(path)
    if not data.lstrip().startswith(HEADER):
        raise click.ClickException(f"Input is not vault encrypted data. for {path}")
    try:
        return secrets.opened(data)
    except VaultError as e:
        raise click.ClickException(f"Decryption failed ({e}) for {path}") from e


def _targets(paths: tuple[Path, ...], output: Path | None) -> list[tuple[Path, Path]]:
    """(Read from, write to)."""
    if output is not None and len(paths) > 1:
        raise _WrongOptions("At most one input file may be used with the --output option")
    chosen = paths or (_STREAM,)
    return [(path, output or path) for path in chosen]


@command.command("encrypt")
@_paths
@_output
@_encrypt_id
@_secret_options
def vault_encrypt(
    paths: tuple[Path, ...], output: Path | None, wanted: str | None, vault_files: tuple[Path, ...], vault_ids: tuple[str, ...], ask: bool
) -> int:
    """Encrypt files in place, or standard input to standard output."""
    from provisioner.templating.vault import HEADER

    secrets = _secrets(vault_files, vault_ids, ask, confirm=True)
    vault_id = _chosen(secrets, wanted)
    for source, target in _targets(paths, output):
        data = _read(source)
        if data.startswith(HEADER):
            raise click.ClickException(f"{source}: input is already encrypted")
        _replace(target, secrets.encrypt(data, vault_id))
    return 0


@command.command("decrypt")
@_paths
@_output
@_secret_options
def vault_decrypt(
    paths: tuple[Path, ...], output: Path | None, vault_files: tuple[Path, ...], vault_ids: tuple[str, ...], ask: bool
) -> int:
    """Decrypt files in place, or standard input to standard output."""
    secrets = _secrets(vault_files, vault_ids, ask)
    for source, target in _targets(paths, output):
        _replace(target, _open(secrets, source)[1])
    return 0


@command.command("view")
@_paths
@_secret_options
def vault_view(paths: tuple[Path, ...], vault_files: tuple[Path, ...], vault_ids: tuple[str, ...], ask: bool) -> int:
    """Print what is inside."""
    secrets = _secrets(vault_files, vault_ids, ask)
    for path in paths or (_STREAM,):
        plain = _open(secrets, path)[1]
        click.echo(plain, nl=not plain.endswith(b"\n"))
    return 0


@command.command("rekey")
@_paths
@click.option("--new-vault-id", help="label@file or label@prompt.")
@click.option("--new-vault-password-file", type=click.Path(path_type=Path))
@_encrypt_id
@_secret_options
def vault_rekey(
    paths: tuple[Path, ...],
    new_vault_id: str | None,
    new_vault_password_file: Path | None,
    wanted: str | None,
    vault_files: tuple[Path, ...],
    vault_ids: tuple[str, ...],
    ask: bool,
) -> int:
    """Encrypt files in place with another secret."""
    from provisioner.cli.vault_passwords import vault_secrets
    from provisioner.templating.vault import VaultSecrets

    if not paths:
        raise click.UsageError("name the files")
    secrets = _secrets(vault_files, vault_ids, ask)
    new = vault_secrets(
        (new_vault_password_file,) if new_vault_password_file else (), (new_vault_id,) if new_vault_id else (), ask_vault_pass=False
    )
    if new is None:
        new = VaultSecrets({"default": _typed("New Vault password", confirm=True)})
    opened = [(path, _open(secrets, path)[1]) for path in paths]  # all or none
    for path, plain in opened:
        _replace(path, new.encrypt(plain, _chosen(new, wanted) if wanted or len(new.by_id) > 1 else None))
    click.echo("Rekey successful", err=True)
    return 0


def _edited(before: bytes, name: str) -> bytes:
    """What somebody makes of a text in $EDITOR. The plain text lies in a folder of ours that nobody else may enter."""
    with tempfile.TemporaryDirectory(prefix="provision-vault-") as folder:
        plain = Path(folder) / name
        plain.touch(0o600)
        plain.write_bytes(before)
        try:
            subprocess.run([*shlex.split(os.environ.get("EDITOR", "vi")), str(plain)], check=True)
            return plain.read_bytes()
        except (OSError, subprocess.CalledProcessError) as e:
            raise click.ClickException(f"Unable to execute the editor: {e}") from e


@command.command("edit")
@click.argument("path", type=click.Path(path_type=Path))
@_encrypt_id
@_secret_options
def vault_edit(path: Path, wanted: str | None, vault_files: tuple[Path, ...], vault_ids: tuple[str, ...], ask: bool) -> int:
    """Open what is inside in $EDITOR, and encrypt it again."""
    secrets = _secrets(vault_files, vault_ids, ask)
    used, before = _open(secrets, path)
    after = _edited(before, path.name)
    if after != before or wanted not in (None, used):
        _replace(path, secrets.encrypt(after, used if wanted is None else _chosen(secrets, wanted)))
    return 0


@command.command("create")
@click.argument("path", type=click.Path(path_type=Path))
@_encrypt_id
@click.option("--skip-tty-check", is_flag=True, help="Open the editor without a terminal, too.")
@_secret_options
def vault_create(
    path: Path, wanted: str | None, skip_tty_check: bool, vault_files: tuple[Path, ...], vault_ids: tuple[str, ...], ask: bool
) -> int:
    """Write a new file in $EDITOR, and encrypt it."""
    if path.exists():
        raise click.ClickException(f"{path} exists, please use 'edit' instead")
    if not skip_tty_check and not sys.stdout.isatty():
        raise _WrongOptions("not a tty, editor cannot be opened; --skip-tty-check opens it")
    secrets = _secrets(vault_files, vault_ids, ask, confirm=True)
    _replace(path, secrets.encrypt(_edited(b"", path.name), _chosen(secrets, wanted)))
    return 0


@command.command("encrypt_string")
@click.argument("texts", nargs=-1)
@click.option("-n", "--name", "names", multiple=True, help="The variable's name; again for the next text.")
@click.option("--stdin-name", help="The variable's name for what standard input holds.")
@click.option("-p", "--prompt", "prompted", is_flag=True, help="Ask for the text.")
@click.option("--show-input", is_flag=True, help="Show what is typed.")
@_output
@_encrypt_id
@_secret_options
def vault_encrypt_string(
    texts: tuple[str, ...],
    names: tuple[str, ...],
    stdin_name: str | None,
    prompted: bool,
    show_input: bool,
    output: Path | None,
    wanted: str | None,
    **given: Any,
) -> int:
    """Print TEXTS (or standard input) as encrypted YAML values."""
    secrets = _secrets(given["vault_files"], given["vault_ids"], given["ask"], confirm=True)
    vault_id = _chosen(secrets, wanted)
    found: list[tuple[str | None, bytes, str]] = []
    if prompted:
        name = click.prompt("Variable name (enter for no name)", default="", show_default=False, err=True) or None
        typed = str(click.prompt("String to encrypt", hide_input=not show_input, confirmation_prompt=not show_input, err=True))
        found.append((name, typed.encode(), "the interactive prompt"))
    if "-" in texts or stdin_name is not None or (not texts and not prompted):
        if sys.stdin.isatty():
            click.echo(
                "Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not already have a newline)", err=True
            )
        piped = sys.stdin.buffer.read()
        if not piped:
            raise _WrongOptions("stdin was empty, not encrypting")
        found.append((stdin_name or next(iter(names), None) if not texts else stdin_name, piped, "stdin"))
    plain = [text for text in texts if text != "-"]
    if any(not text for text in plain):
        raise _WrongOptions("The plaintext provided from the command line args was empty, not encrypting")
    named = [*names, *[None] * len(plain)]
    found.extend((named[number], text.encode(), "the command line args") for number, text in enumerate(plain))
    text = _as_yaml([(name, secrets.encrypt(data, vault_id).decode(), source) for name, data, source in found])
    if output is None or output == _STREAM:
        click.echo(text, nl=False)
    else:
        _replace(output, text.encode())
    return 0


def _as_yaml(found: Sequence[tuple[str | None, str, str]]) -> str:
    lines: list[str] = []
    for number, (name, envelope, source) in enumerate(found, start=1):
        if len(found) > 1:
            shown = f'("{name}", the string #{number} from {source}).' if name else f"(the string #{number} from {source})."
            click.echo(
                f"# The encrypted version of variable {shown}" if name else f"# The encrypted version of the string {shown}", err=True
            )
        lines += [f"{name}: !vault |" if name else "!vault |", *(f"          {line}" for line in envelope.splitlines())]
    return "\n".join(lines) + "\n"
