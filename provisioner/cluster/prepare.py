"""What a run needs before it touches a host: certificates, the bundle, image archives, and the roles' variables."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from provisioner import images
from provisioner.cluster import image_archives
from provisioner.cluster.context import Context
from provisioner.cluster.image_archives import ImageArchive
from provisioner.cluster.runs import unfinished
from provisioner.cluster.topology import api_endpoint, pki_plan
from provisioner.cluster.variables import role_variables
from provisioner.pki import store
from provisioner.pki.kubeconfig import admin_kubeconfig
from provisioner.release.bundle import Bundle


@dataclass(frozen=True)
class HostNeeds:
    """What a host's own system decides: its bundle, and the Debian release that its packages are of."""

    release: Bundle
    suite: str


@dataclass(frozen=True)
class Prepared:
    """`changes` are certificates that were made (or would be)."""

    variables: dict[str, Any]
    changes: tuple[store.Change, ...]


def archives(context: Context) -> list[ImageArchive]:
    """The inventory's, and for hosts made here the small images that a cluster needs without a registry."""
    found = [image_archives.read(context.path.parent / Path(name).expanduser()) for name in context.spec.images]
    if context.made_here:
        found = [image_archives.read(path) for path in images.build(context.state.root / "images")] + found
    return found


def prepare(context: Context, needs: Mapping[str, HostNeeds]) -> Prepared:
    """Makes and renews certificates, writes the kubeconfig."""
    spec, state = context.spec, context.state
    changes = store.ensure(state.pki, pki_plan(spec, context.topology))
    server = f"https://{api_endpoint(spec, context.topology)}"
    state.write_if_changed(state.kubeconfig, admin_kubeconfig(state.pki, cluster=spec.name, server=server))
    variables = _variables(context, state.pki, needs)
    state.write_if_changed(state.variables, json.dumps(variables, indent=1, sort_keys=True) + "\n")
    return Prepared(variables, tuple(changes))


@contextmanager
def prepare_check(context: Context, needs: Mapping[str, HostNeeds]) -> Iterator[Prepared]:
    """As `prepare`, in a copy that is removed afterwards: what is planned with may not exist yet, and nothing is kept."""
    with TemporaryDirectory(prefix="provision-plan-") as folder:
        pki = Path(folder) / "pki"
        if context.state.pki.is_dir():
            shutil.copytree(context.state.pki, pki)
        changes = store.ensure(pki, pki_plan(context.spec, context.topology))
        yield Prepared(_variables(context, pki, needs), tuple(changes))


def _variables(context: Context, pki: Path, needs: Mapping[str, HostNeeds]) -> dict[str, Any]:
    return role_variables(
        context.spec,
        context.topology,
        pki=pki.resolve(),
        releases={name: need.release for name, need in needs.items()},
        suites={name: need.suite for name, need in needs.items()},
        images=archives(context),
        unfinished=unfinished(context.state.runs),
        packages_are_set=context.made_here,
    )
