"""Truth as Ansible reads it."""

from typing import Any

from provisioner.agent.arguments import FALSE, TRUE

BOOLEANS_TRUE = frozenset(TRUE) | {1}
BOOLEANS_FALSE = frozenset(FALSE) - {""} | {0}
BOOLEANS = BOOLEANS_TRUE | BOOLEANS_FALSE


def boolean(value: Any, strict: bool = True) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in TRUE:
        return True
    if not strict or text in FALSE:
        return False
    raise TypeError("The value '%s' is not a valid boolean. Valid booleans include: %s" % (value, ", ".join(sorted(map(repr, BOOLEANS)))))
