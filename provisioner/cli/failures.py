"""Which errors are told as a message, and with which exit code. Everything else is a bug and keeps its traceback."""

from __future__ import annotations

WRONG_INPUT = 2
FAILED = 1


def known(error: Exception) -> tuple[str, int] | None:
    from provisioner.cluster.errors import ClusterError
    from provisioner.images.errors import ImageError
    from provisioner.inventory.errors import InventoryError
    from provisioner.machines.errors import MachineError
    from provisioner.pki.errors import PkiError
    from provisioner.release.errors import ReleaseError
    from provisioner.transport.errors import TransportError

    if isinstance(error, InventoryError):
        return _problems(error), WRONG_INPUT
    if isinstance(error, ClusterError):
        return str(error), error.exit_code
    if isinstance(error, TransportError):
        return str(error), 4
    if isinstance(error, MachineError | PkiError | ReleaseError | ImageError):
        return str(error), FAILED
    return _engine(error)


def _problems(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if len(lines) == 1 else "\n  ".join([f"{len(lines)} problems in the inventory:", *lines])


def _engine(error: Exception) -> tuple[str, int] | None:
    from provisioner.engine.errors import EngineError
    from provisioner.templating.errors import TemplateError

    if isinstance(error, EngineError | TemplateError):
        return str(error), WRONG_INPUT
    return None
