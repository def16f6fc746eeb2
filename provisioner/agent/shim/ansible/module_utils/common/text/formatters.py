"""Sizes for people and for machines."""

import re
from typing import Any, Iterable, List, Optional

SIZE_RANGES = {letter: 1 << (10 * power) for power, letter in enumerate("BKMGTPEZY")}
_NAMES = {"B": ("byte", "bit"), "K": ("kilobyte", "kilobit"), "M": ("megabyte", "megabit"), "G": ("gigabyte", "gigabit")}


def lenient_lowercase(values: Iterable[Any]) -> List[Any]:
    return [value.lower() if isinstance(value, str) else value for value in values]


def human_to_bytes(number: Any, default_unit: Optional[str] = None, isbits: bool = False) -> int:
    """10M, 1.5 GB or 2Mb (bits) as a number. Raises ValueError."""
    match = re.match(r"^\s*([\d.]+)\s*([A-Za-z]*)\s*$", str(number))
    if not match:
        raise ValueError("human_to_bytes() can't interpret following string: %s" % number)
    try:
        amount = float(match.group(1))
    except ValueError:
        raise ValueError(
            "human_to_bytes() can't interpret following number: %s (original input string: %s)" % (match.group(1), number)
        ) from None
    unit = match.group(2) or default_unit or ""
    if not unit:
        return round(amount)
    letter = unit[0].upper()
    if letter not in SIZE_RANGES:
        known = ", ".join(sorted(SIZE_RANGES, key=lambda k: -SIZE_RANGES[k]))
        raise ValueError("human_to_bytes() failed to convert %s (unit = %s). The suffix must be one of %s" % (number, unit, known))
    if len(unit) > 1 and letter != "B":
        wanted = "b" if isbits else "B"
        if unit[1] != wanted and unit.lower() not in _NAMES.get(letter, ()):
            kind = "bit" if isbits else "byte"
            raise ValueError(
                "human_to_bytes() failed to convert %s. Value is not a valid string (expect %s%s for %s)" % (number, letter, wanted, kind)
            )
    return round(amount * SIZE_RANGES[letter])


def bytes_to_human(size: float, isbits: bool = False, unit: Optional[str] = None) -> str:
    base = "bits" if isbits else "Bytes"
    for letter, limit in sorted(SIZE_RANGES.items(), key=lambda item: -item[1]):
        if (unit is None and size >= limit) or (unit or "").upper() == letter or limit == 1:
            break
    name = base if limit == 1 else letter + base[0].lower() if isbits else letter + "B"
    return "%.2f %s" % (size / limit, name)
