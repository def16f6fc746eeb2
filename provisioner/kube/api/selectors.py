"""Label selectors (`a=b,c in (d,e),!f`; metav1.LabelSelector) and field selectors (`status.phase!=Running`), parsed once and matched often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from provisioner.kube.api._generated import meta_v1

_KEY = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
_SET = re.compile(rf"\s*({_KEY})\s+(in|notin)\s*\(([^()]*)\)\s*$")
_EQUAL = re.compile(rf"\s*({_KEY})\s*(==|=|!=)\s*([^=!,()<>\s]*)\s*$")
_COMPARE = re.compile(rf"\s*({_KEY})\s*([<>])\s*(\d+)\s*$")
_EXISTS = re.compile(rf"\s*(!?)\s*({_KEY})\s*$")
_VALUE = re.compile(r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$")


class SelectorError(ValueError):
    """A selector that can't be parsed."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """`operator` is In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator == "In":
            return value in self.values
        if self.operator == "NotIn":
            return value is None or value not in self.values
        if self.operator == "Exists":
            return value is not None
        if self.operator == "DoesNotExist":
            return value is None
        bound = int(next(iter(self.values)))
        if value is None or not re.fullmatch(r"-?\d+", value):
            return False
        return int(value) > bound if self.operator == "Gt" else int(value) < bound


class _Matcher(Protocol):
    def matches(self, labels: Mapping[str, str]) -> bool: ...


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold; without any, everything matches. `nothing` matches no object at all."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        if self.nothing:
            return False
        found = labels or {}
        return all(requirement.matches(found) for requirement in self.requirements)

    @property
    def everything(self) -> bool:
        return not self.requirements and not self.nothing

    def __str__(self) -> str:
        return ",".join(_text(r) for r in self.requirements)


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(nothing=True)


def _text(r: Requirement) -> str:
    values = sorted(r.values)
    if r.operator == "In":
        return f"{r.key}={values[0]}" if len(values) == 1 else f"{r.key} in ({','.join(values)})"
    if r.operator == "NotIn":
        return f"{r.key}!={values[0]}" if len(values) == 1 else f"{r.key} notin ({','.join(values)})"
    if r.operator in ("Gt", "Lt"):
        return f"{r.key}{'>' if r.operator == 'Gt' else '<'}{values[0]}"
    return r.key if r.operator == "Exists" else f"!{r.key}"


def _split(text: str) -> list[str]:
    """At commas outside parentheses."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    if depth:
        raise SelectorError(f"unable to parse requirement: unbalanced parentheses in {text!r}")
    return parts


def parse_label_selector(text: str | None) -> LabelSelector:
    """The selector of a `labelSelector` parameter. Raises SelectorError."""
    if not text or not text.strip():
        return EVERYTHING
    return LabelSelector(tuple(_requirement(part) for part in _split(text)))


def _requirement(part: str) -> Requirement:
    if found := _SET.match(part):
        values = frozenset(_checked(v.strip()) for v in found[3].split(","))
        return Requirement(found[1], "In" if found[2] == "in" else "NotIn", values)
    if found := _EQUAL.match(part):
        return Requirement(found[1], "NotIn" if found[2] == "!=" else "In", frozenset((_checked(found[3]),)))
    if found := _COMPARE.match(part):
        return Requirement(found[1], "Gt" if found[2] == ">" else "Lt", frozenset((found[3],)))
    if found := _EXISTS.match(part):
        return Requirement(found[2], "DoesNotExist" if found[1] else "Exists")
    raise SelectorError(
        f"unable to parse requirement: {part.strip()!r} is not key, !key, key=value, key!=value, key in (…) or key notin (…)"
    )


def _checked(value: str) -> str:
    if not _VALUE.match(value):
        raise SelectorError(
            f'unable to parse requirement: values[0][]: Invalid value: "{value}": a valid label must be an empty string or consist of alphanumeric '
            "characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        )
    return value


def from_struct(selector: meta_v1.LabelSelector | None) -> LabelSelector:
    """The selector of an object's field: None selects nothing, an empty one everything. Raises SelectorError for an unknown operator."""
    if selector is None:
        return NOTHING
    found = [Requirement(key, "In", frozenset((value,))) for key, value in (selector.match_labels or {}).items()]
    for expression in selector.match_expressions or ():
        if expression.operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            raise SelectorError(f'"{expression.operator}" is not a valid label selector operator')
        found.append(Requirement(expression.key or "", expression.operator, frozenset(expression.values or ())))
    return LabelSelector(tuple(found))


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """(field, wanted value, equal?) triples, all of which must hold."""

    terms: tuple[tuple[str, str, bool], ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        return all((fields.get(field, "") == value) is equal for field, value, equal in self.terms)

    @property
    def everything(self) -> bool:
        return not self.terms

    def exact(self, field: str) -> str | None:
        """The one value that the selector demands of a field, if it does."""
        return next((value for name, value, equal in self.terms if name == field and equal), None)


def parse_field_selector(text: str | None) -> FieldSelector:
    """The selector of a `fieldSelector` parameter; values may escape `,`, `=` and `\\` with a backslash. Raises SelectorError."""
    if not text or not text.strip():
        return FieldSelector()
    terms = []
    for part in re.split(r"(?<!\\),", text):
        if not part.strip():
            continue
        found = re.match(r"\s*([^=!]+?)\s*(==|=|!=)(.*)$", part)
        if found is None:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")
        terms.append((found[1], re.sub(r"\\([\\,=])", r"\1", found[3].strip()), found[2] != "!="))
    return FieldSelector(tuple(terms))
