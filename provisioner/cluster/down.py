"""The end of a cluster's machines: `down` stops them and keeps their disks, `destroy` removes them and the cluster's state."""

from __future__ import annotations

import shutil

from provisioner.cluster.context import Context
from provisioner.cluster.errors import ClusterError
from provisioner.cluster.lock import Lock

NOT_OURS = "its hosts were not made by provision (the inventory has no `machines:` with a provider that makes some)"


def down(context: Context, *, hard: bool = False, break_lock: bool = False) -> None:
    """Afterwards no machine of the inventory runs; `up` starts them again with everything on them."""
    if not context.made_here:
        raise ClusterError(f"{context.path}: {NOT_OURS}", hint="stop them as you would otherwise: provision run all -m command -a poweroff")
    context.state.prepare()
    with Lock(context.state.lock, "down", break_it=break_lock):
        context.provider.stop(hard=hard)


def destroy(context: Context, *, break_lock: bool = False) -> None:
    """Afterwards nothing is left that `up` made: machines, bridges, mounts, processes, and the state beside the inventory."""
    if not context.made_here:
        raise ClusterError(f"{context.path}: {NOT_OURS}", hint=f"to forget the cluster's keys remove {context.state.root}")
    context.state.prepare()
    with Lock(context.state.lock, "destroy", break_it=break_lock):
        context.provider.destroy()
        shutil.rmtree(context.state.root, ignore_errors=True)
    parent = context.state.root.parent
    if parent.is_dir() and not any(parent.iterdir()):
        parent.rmdir()
