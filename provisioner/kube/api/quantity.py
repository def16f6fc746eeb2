"""Quantities (resource.Quantity): `500m`, `1.5Gi`, `2e3`: parsed exactly, compared by value, written in upstream's canonical form.

Source: the Kubernetes API's documentation of Quantity. Sub-milli precision down to nano is kept; values are rounded up where a unit is asked.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

# What upstream says of everything else.
FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_FORM = re.compile(r"^([+-]?)(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$")
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
# Longer numbers are nobody's quantity, and would be worked with for ever.
DIGITS = 100
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


class QuantityError(ValueError):
    """Not a quantity; the message is upstream's."""


@lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[Fraction, str]:
    found = _FORM.match(text)
    if found is None:
        raise QuantityError(FORM if text else "quantity must not be empty")
    sign, number, exponent, suffix = found.groups()
    if len(number) > DIGITS or (exponent and abs(int(exponent[1:])) > DIGITS):
        raise QuantityError("quantities must be numbers that can be written in a hundred digits")
    value = Fraction(number + ("0" if number.endswith(".") else ""))
    if exponent:
        value *= Fraction(10) ** int(exponent[1:])
    elif suffix in _BINARY:
        value *= 2 ** _BINARY[suffix]
    else:
        value *= Fraction(10) ** _DECIMAL[suffix or ""]
    style = "exponent" if exponent else "binary" if suffix in _BINARY else "decimal"
    return (-value if sign == "-" else value), style


def parse(quantity: str | int | float) -> Fraction:
    """The exact value. Raises QuantityError."""
    if isinstance(quantity, bool):
        raise QuantityError("quantities must be strings or numbers")
    return _parse(str(quantity).strip() if isinstance(quantity, str) else repr(quantity))[0]


def value(quantity: str | int | float) -> int:
    """Rounded up to whole units (Quantity.Value)."""
    exact = parse(quantity)
    return -((-exact.numerator) // exact.denominator)


def milli(quantity: str | int | float) -> int:
    """Rounded up to thousandths (Quantity.MilliValue)."""
    exact = parse(quantity) * 1000
    return -((-exact.numerator) // exact.denominator)


def canonical(quantity: str | int | float) -> str:
    """The form upstream writes: the largest suffix that leaves a whole number, in the family the quantity was given in."""
    return _canonical(str(quantity).strip() if isinstance(quantity, str) else repr(quantity))


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    return render(*_parse(text))


def render(exact: Fraction, style: str = "decimal") -> str:
    """Write a value as `decimal`, `binary` or `exponent` quantity."""
    if exact == 0:
        return "0"
    if style == "binary" and abs(exact) >= 1024 and exact.denominator == 1:
        for suffix, power in reversed(_BINARY.items()):
            if exact % 2**power == 0:
                return f"{exact // 2**power}{suffix}"
        return str(exact)
    for suffix, power in reversed(_DECIMAL.items()):
        scaled = exact / Fraction(10) ** power
        if scaled.denominator == 1:
            return f"{scaled.numerator}{_exponent(power) if style == 'exponent' else suffix}"
    nano = exact * 10**9
    return f"{-((-nano.numerator) // nano.denominator)}n"


def _exponent(power: int) -> str:
    return f"e{power}" if power else ""
