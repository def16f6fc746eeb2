"""What a run needs before it touches a host: certificates, the bundle, image archives, and the roles' variables."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import Future
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


def prepare(context: Context, release: Future[Bundle]) -> Prepared:
    """Makes and renews certificates, writes the kubeconfig."""
    spec, state = context.spec, context.state
    changes = store.ensure(state.pki, pki_plan(spec, context.topology))
    server = f"https://{api_endpoint(spec, context.topology)}"
    state.write_if_changed(state.kubeconfig, admin_kubeconfig(state.pki, cluster=spec.name, server=server))
    variables = _variables(context, state.pki, release.result())
    state.write_if_changed(state.variables, json.dumps(variables, indent=1, sort_keys=True) + "\n")
    return Prepared(variables, tuple(changes))


@contextmanager
def prepare_check(context: Context, release: Future[Bundle]) -> Iterator[Prepared]:
    """As `prepare`, in a copy that is removed afterwards: what is planned with may not exist yet, and nothing is kept."""
    with TemporaryDirectory(prefix="provision-plan-") as folder:
        pki = Path(folder) / "pki"
        if context.state.pki.is_dir():
            shutil.copytree(context.state.pki, pki)
        changes = store.ensure(pki, pki_plan(context.spec, context.topology))
        yield Prepared(_variables(context, pki, release.result()), tuple(changes))


def _variables(context: Context, pki: Path, release: Bundle) -> dict[str, Any]:
    return role_variables(
        context.spec,
        context.topology,
        pki=pki.resolve(),
        release=release,
        images=archives(context),
        unfinished=unfinished(context.state.runs),
        packages_are_set=context.made_here,
    )
