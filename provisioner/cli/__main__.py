"""`provision`: finds the command, and turns every known error into one message."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from typing import Any

import click

# A command ends soon, and until then nearly all that it makes stays: looking through it again after every 700 new objects finds next to nothing.
GARBAGE_AFTER = 50_000

# In the order of `provision --help`: the module below provisioner.cli, and what it is for.
COMMANDS = {
    "up": "Make the cluster what the inventory says; repeat it at any time.",
    "plan": "Say what `up` would change, and change nothing.",
    "status": "Hosts, units, versions, certificates, etcd members and nodes.",
    "down": "Stop the machines that `up` started; their disks stay.",
    "destroy": "Remove the machines and everything that `up` made.",
    "ssh": "Open a shell on a host, or run a command there.",
    "kubeconfig": "Print the administrator's kubeconfig.",
    "image": "Load image archives into the nodes' Docker.",
    "machines": "Only the machines: up, down, destroy, list, console.",
    "play": "Run Ansible playbooks.",
    "run": "Run one module on the hosts of a pattern.",
    "inventory": "Show the inventory as it is understood.",
    "facts": "Show what is known of hosts.",
    "vault": "Encrypt, decrypt, view and edit secrets.",
}


class LazyGroup(click.Group):
    """Imports a command's module when the command is used: `--help` and every other command stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if importlib.util.find_spec(f"provisioner.cli.{name}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        try:
            command = importlib.import_module(f"provisioner.cli.{cmd_name}").command
        except ModuleNotFoundError as e:
            if e.name != f"provisioner.cli.{cmd_name}":
                raise
            return None
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as e:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1) if args else []
            if not near or "Did you mean" in e.message:
                raise
            raise click.UsageError(f"{e.message} Did you mean {near[0]!r}?", ctx) from e

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog="Begin with: provision up inventories/lab.yaml"
)
@click.version_option(package_name="provision", message="%(prog)s %(version)s")
def provision() -> None:
    """Bare hosts in, a working cluster out."""


def explain(error: Exception) -> tuple[str, int] | None:
    """The message and exit code for an error that we know; None for a bug."""
    from provisioner.cli.failures import known

    return known(error)


def main(argv: Sequence[str] | None = None) -> int:
    gc.set_threshold(GARBAGE_AFTER)
    try:
        result: Any = provision.main(args=list(argv) if argv is not None else None, prog_name="provision", standalone_mode=False)
    except click.ClickException as e:
        e.show()
        return e.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("provision: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except Exception as e:
        explained = explain(e)
        if explained is None:
            raise
        message, code = explained
        print(f"provision: {message}", file=sys.stderr)
        return code
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
