"""Label selectors (`a=b,c in (d,e),!f`; metav1.LabelSelector) and field selectors (`status.phase!=Running`), parsed once and matched often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.kube.api import label_syntax
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.label_syntax import SelectorError as SelectorError


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


def parse_label_selector(text: str | None) -> LabelSelector:
    """The selector of a `labelSelector` parameter. Raises SelectorError."""
    if not text:
        return EVERYTHING
    return LabelSelector(tuple(Requirement(term.key, term.operator, term.values) for term in label_syntax.terms(text)))


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
    if not text:
        return FieldSelector()
    terms = []
    for part in sorted(re.findall(r"(?:\\.|[^\\,])+\\?", text)):
        found = _TERM.match(part)
        if found is None:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")
        terms.append((found[1], _unescaped(found[3]), found[2] != "!="))
    return FieldSelector(tuple(terms))


_TERM = re.compile(r"(.*?)(!=|==|=)(.*)", re.DOTALL)


def _unescaped(text: str) -> str:
    read, escaped = [], False
    for char in text:
        if escaped:
            if char not in "\\,=":
                raise SelectorError(f"invalid field selector: invalid escape sequence: \\{char}")
            read.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in ",=":
            # Go shows a rune as its number.
            raise SelectorError(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            read.append(char)
    if escaped:
        raise SelectorError("invalid field selector: invalid escape sequence: \\")
    return "".join(read)
