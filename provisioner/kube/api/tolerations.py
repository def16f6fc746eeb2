"""Whether a toleration bears a taint. Pure; one rule for scheduler, kubelet and controllers. Source: core/v1 Toleration."""

from __future__ import annotations

import re
from collections.abc import Iterable

from provisioner.kube.api._generated import core_v1

# What Gt and Lt compare: a whole number of 64 bits, written without leading zeros.
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")


def tolerates(toleration: core_v1.Toleration, taint: core_v1.Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    operator = toleration.operator or "Equal"
    if operator == "Exists":
        return True
    wanted, there = toleration.value or "", taint.value or ""
    if operator in ("Gt", "Lt"):
        if not _WHOLE.fullmatch(wanted) or not _WHOLE.fullmatch(there):
            return False
        return int(there) > int(wanted) if operator == "Gt" else int(there) < int(wanted)
    return bool(toleration.key) and wanted == there


def tolerated(tolerations: Iterable[core_v1.Toleration] | None, taint: core_v1.Taint) -> bool:
    """Whether any of them bears the taint."""
    return any(tolerates(one, taint) for one in tolerations or ())
