"""JSON out of a program's output, whatever was printed around it."""

from typing import List, Tuple

from provisioner.agent.own_programs import JUNK, json_within


def _filter_non_json_lines(data: str, objects_only: bool = False) -> Tuple[str, List[str]]:
    """(the text from the first line that opens an object or list to the one that closes it, warnings of what came after)."""
    text, after = json_within(data, ("{",) if objects_only else ("{", "["))
    return text, [JUNK % "\n".join(after)] if after else []
