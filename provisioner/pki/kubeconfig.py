"""A kubeconfig with everything inside it, for the operator. Daemons on hosts get theirs from the roles, pointing at files."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from provisioner.pki.errors import PkiError


def admin_kubeconfig(directory: Path, *, cluster: str, server: str) -> str:
    """The text of an administrator's kubeconfig for `server` ("https://host:port"), out of the state directory's pki folder."""
    user = f"admin@{cluster}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority-data": _encoded(directory / "ca.crt")}}],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _encoded(directory / "admin.crt"),
                    "client-key-data": _encoded(directory / "admin.key"),
                },
            }
        ],
        "contexts": [{"name": user, "context": {"cluster": cluster, "user": user}}],
        "current-context": user,
        "preferences": {},
    }
    return yaml.safe_dump(document, sort_keys=False)


def _encoded(path: Path) -> str:
    try:
        return base64.b64encode(path.read_bytes()).decode()
    except FileNotFoundError as e:
        raise PkiError(f"{path}: no such file", hint="this cluster's certificates were not made here; run provision up first") from e
