"""Tables of role bindings. Roles themselves have the columns of kinds that nobody wrote any for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api.tables.columns import Printer, age, columns

GROUP = "rbac.authorization.k8s.io"


def _binding(obj: Any, now: datetime) -> list[Any]:
    users, groups, accounts = [], [], []
    for subject in obj.subjects or ():
        if subject.kind == "User":
            users.append(subject.name or "")
        elif subject.kind == "Group":
            groups.append(subject.name or "")
        elif subject.kind == "ServiceAccount":
            accounts.append(f"{subject.namespace or ''}/{subject.name}")
    role = f"{obj.role_ref.kind}/{obj.role_ref.name}" if obj.role_ref is not None else ""
    return [obj.metadata.name, role, age(obj, now), ", ".join(users), ", ".join(groups), ", ".join(accounts)]


_BINDINGS = Printer(columns("Name", "Role", "Age", "Users+", "Groups+", "ServiceAccounts+"), _binding)

PRINTERS = {(GROUP, "RoleBinding"): _BINDINGS, (GROUP, "ClusterRoleBinding"): _BINDINGS}
