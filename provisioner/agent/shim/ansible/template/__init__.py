"""Templar for people's own plugins, which make one of the loader that they are given."""

from typing import Any, Dict, Optional


class Templar:
    """Renders values with the variables given."""

    def __new__(cls, loader: Any, variables: Optional[Dict[str, Any]] = None) -> Any:
        return loader.templar(variables or {})


def trust_as_template(value: Any) -> Any:
    return value


def is_trusted_as_template(value: Any) -> bool:
    return True
