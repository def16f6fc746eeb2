"""CallbackBase for people's own action plugins, which have it show a difference."""

import difflib
from typing import Any, Dict, List

_NO_END = "\n\\ No newline at end of file\n"


class CallbackBase:
    """Only what shows differences."""

    def _get_diff(self, difflist: Any) -> str:
        """The differences of results as unified text."""
        shown: List[str] = []
        for diff in difflist if isinstance(difflist, list) else [difflist]:
            if "before" in diff and "after" in diff:
                lines = difflib.unified_diff(_lines(diff["before"]), _lines(diff["after"]), _name(diff, "before"), _name(diff, "after"))
                text = "".join(lines)
                shown.append(text + "\n" if text else "")
            if "prepared" in diff:
                shown.append(str(diff["prepared"]))
        return "".join(shown)


def _name(diff: Dict[str, Any], side: str) -> str:
    header = diff.get(side + "_header")
    return "%s: %s" % (side, header) if header else side


def _lines(value: Any) -> List[str]:
    lines = str(value).splitlines(True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += _NO_END
    return lines
