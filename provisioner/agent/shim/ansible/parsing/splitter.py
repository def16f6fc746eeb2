"""Words of `key=value` texts, for people's own plugins on the controller."""

from typing import Any, Dict, List


def parse_kv(args: Any, check_raw: bool = False) -> Dict[str, Any]:
    """The pairs of a text; with `check_raw` what is none is in `_raw_params` as it was written."""
    from provisioner.engine.arguments import join, key_values

    found, others = key_values(args or "")
    if others:
        found["_raw_params"] = join(others)
    return found


def split_args(args: str) -> List[str]:
    """Raises AnsibleParserError for a quote or block that does not end."""
    from ansible.errors import AnsibleParserError
    from provisioner.engine.arguments import split

    try:
        return split(args)
    except ValueError as e:
        raise AnsibleParserError(str(e)) from e


def join_args(s: List[str]) -> str:
    from provisioner.engine.arguments import join

    return join(s)
