"""Truth as Ansible reads it."""

from typing import Any

from provisioner.agent.argument_check import FALSE_WORDS, TRUE_WORDS
from provisioner.agent.arguments import to_bool

BOOLEANS_TRUE = frozenset(TRUE_WORDS) | {1}
BOOLEANS_FALSE = frozenset(FALSE_WORDS) | {0}
BOOLEANS = BOOLEANS_TRUE | BOOLEANS_FALSE


def boolean(value: Any, strict: bool = True) -> bool:
    """With `strict`, TypeError for what is neither; without, what is not true is false."""
    try:
        return to_bool(value)
    except TypeError:
        if not strict:
            return False
        raise
