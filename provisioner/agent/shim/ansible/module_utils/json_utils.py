"""JSON out of a program's output, whatever was printed around it."""

from typing import List, Tuple


def _filter_non_json_lines(data: str, objects_only: bool = False) -> Tuple[str, List[str]]:
    """(the text from the first line that opens an object or list to the one that closes it, warnings of what came after)."""
    lines = data.splitlines()
    openers = ("{",) if objects_only else ("{", "[")
    start = next((at for at, line in enumerate(lines) if line.strip().startswith(openers)), None)
    if start is None:
        raise ValueError("No start of json char found")
    closer = "}" if lines[start].strip().startswith("{") else "]"
    ends = [at for at in range(len(lines) - 1, start - 1, -1) if lines[at].strip().endswith(closer)]
    if not ends:
        raise ValueError("No end of json char found")
    trailing = lines[ends[0] + 1 :]
    warnings = ["Module invocation had junk after the JSON data: %s" % "\n".join(trailing)] if trailing else []
    return "\n".join(lines[start : ends[0] + 1]), warnings
