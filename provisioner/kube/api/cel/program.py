"""A checked expression as nested Python functions, and the budget of its run."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from provisioner.kube.api.cel import functions, syntax
from provisioner.kube.api.cel.values import NOTHING, CelError, Exceeded, Made, Optional, Uint, compared, equal, is_number, type_name, whole

# Steps of one run; upstream's limit of an expression's cost is the same number.
STEPS = 1_000_000

Frame = dict[str, Any]
Step = Callable[[Frame], Any]
# Where a frame keeps its budget: no identifier is spelled so.
_BUDGET = "$"


class Budget:
    """Steps that are left; several runs may share one."""

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise Exceeded("operation cancelled: actual cost limit exceeded")


@dataclass(frozen=True, slots=True)
class Program:
    text: str
    tree: syntax.Node
    _run: Step
    _cost: int

    def run(self, values: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """Raises CelError."""
        budget = budget or Budget()
        budget.spend(self._cost)
        try:
            return self._run({**values, _BUDGET: budget})
        except RecursionError:
            raise CelError("the expression is nested too deeply") from None


@lru_cache(maxsize=4096)
def _compiled(text: str, names: frozenset[str], types: frozenset[str]) -> Program:
    tree = syntax.parse(text)
    return Program(text, tree, _Compiler(text, types).step(tree, names), syntax.size(tree))


def compile(text: str, names: Collection[str], types: Collection[str] = ()) -> Program:
    """`names` are those of the variables, `types` of the messages that may be made (with what lies below them). Raises CelError."""
    return _compiled(text, frozenset(names), frozenset(types))


class _Compiler:
    def __init__(self, text: str, types: frozenset[str]) -> None:
        self._text, self._types = text, types

    def wrong(self, at: int, message: str) -> CelError:
        return syntax.failure(self._text, at, message)

    def step(self, node: syntax.Node, names: frozenset[str]) -> Step:
        match node:
            case syntax.Literal(value):
                return lambda _: value
            case syntax.Name(name, at):
                return self._name(name, at, names)
            case syntax.Select():
                return self._select(node, names)
            case syntax.Call():
                return self._call(node, names)
            case syntax.ListOf(items):
                return _list_of([(self.step(item, names), optional) for item, optional in items])
            case syntax.MapOf(entries):
                return _map_of([(self.step(k, names), self.step(v, names), optional) for k, v, optional in entries])
            case syntax.Message(type_, fields, at):
                if type_.partition(".")[0] not in self._types:
                    raise self.wrong(at, f"undeclared reference to '{type_}' (in container '')")
                made = [(_constant(name), self.step(value, names), optional) for name, value, optional in fields]
                fill = _map_of(made)
                return lambda frame: Made(type_, fill(frame))
            case syntax.Bind(kind, name, value, body):
                return _bind(kind, name, self.step(value, names), self.step(body, names | {name}))
            case syntax.Loop(kind, over, bound, condition, body):
                inner = names | set(bound)
                when = self.step(condition, inner) if condition is not None else None
                cost = syntax.size(body) + (syntax.size(condition) if condition is not None else 0)
                return _LOOPS[kind](bound, self.step(over, names), when, self.step(body, inner), cost)
        raise AssertionError(node)

    def _name(self, name: str, at: int, names: frozenset[str]) -> Step:
        if name in names:
            return lambda frame: _forced(frame[name], name)
        if name in functions.TYPES:
            value = functions.TYPES[name]
            return lambda _: value
        raise self.wrong(at, f"undeclared reference to '{name}' (in container '')")

    def _select(self, node: syntax.Select, names: frozenset[str]) -> Step:
        qualified = _qualified(node)
        if qualified in functions.TYPES:
            value = functions.TYPES[qualified]
            return lambda _: value
        operand, field = self.step(node.operand, names), node.field
        if node.tests:
            return lambda frame: _has(operand(frame), field)
        if node.optional:
            return lambda frame: _optional_item(operand(frame), field)

        def select(frame: Frame) -> Any:
            return _item(operand(frame), field)

        return select

    def _call(self, node: syntax.Call, names: frozenset[str]) -> Step:
        name, target = node.name, node.target
        if target is not None:
            # `optional.of(x)`, `ip.isCanonical(x)`: a function whose name has a dot.
            qualified = f"{_qualified(target)}.{name}"
            if qualified in functions.FUNCTIONS and _qualified(target).partition(".")[0] not in names:
                return self._function(functions.FUNCTIONS[qualified], node, names)
            if name not in functions.METHODS:
                raise self.wrong(node.at, f"undeclared reference to '{name}' (in container '')")
            steps = [self.step(target, names), *(self.step(arg, names) for arg in node.args)]
            return _applied(functions.METHODS[name], steps)
        if name in _LAZY:
            return _LAZY[name](*(self.step(arg, names) for arg in node.args))
        if name in _OPERATORS:
            return _applied(_OPERATORS[name], [self.step(arg, names) for arg in node.args])
        if name not in functions.FUNCTIONS:
            raise self.wrong(node.at, f"undeclared reference to '{name}' (in container '')")
        return self._function(functions.FUNCTIONS[name], node, names)

    def _function(self, function: functions.Function, node: syntax.Call, names: frozenset[str]) -> Step:
        if not function.takes(len(node.args)):
            raise self.wrong(node.at, f"found no matching overload for '{node.name}' applied to {len(node.args)} arguments")
        return _applied(function, [self.step(arg, names) for arg in node.args])


def _constant(value: Any) -> Step:
    return lambda _: value


def _forced(value: Any, name: str) -> Any:
    """A value that is worked out when it is first asked for is so here."""
    return value() if callable(value) else value


def _qualified(node: syntax.Node) -> str:
    if isinstance(node, syntax.Name):
        return node.name
    if isinstance(node, syntax.Select) and not node.optional and not node.tests:
        head = _qualified(node.operand)
        return f"{head}.{node.field}" if head else ""
    return ""


def _applied(function: Callable[..., Any], steps: list[Step]) -> Step:
    def run(frame: Frame) -> Any:
        values = [step(frame) for step in steps]
        try:
            return function(*values)
        except CelError:
            raise
        except (TypeError, AttributeError, KeyError, IndexError, ValueError, OverflowError, ZeroDivisionError) as error:
            shown = ", ".join(map(type_name, values))
            raise CelError(f"no such overload: ({shown})" if isinstance(error, TypeError | AttributeError) else str(error)) from None

    return run


# -- what is looked up -------------------------------------------------------------------------------------------------


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, Optional):
        return value if value.none else _optional_item(value.value, key)
    if isinstance(value, dict):
        if key in value:
            return _forced(value[key], key)
        raise CelError(f"no such key: {key}")
    if isinstance(value, list) and is_number(key) and key == int(key):
        if 0 <= key < len(value):
            return value[int(key)]
        raise CelError(f"index out of bounds: {key}")
    fields = getattr(value, "fields", None)
    if isinstance(fields, dict) and key in fields:
        return fields[key]
    raise CelError(f"no such overload: {type_name(value)}[{type_name(key)}]" if not isinstance(key, str) else f"no such key: {key}")


def _optional_item(value: Any, key: Any) -> Optional:
    if isinstance(value, Optional):
        return value if value.none else _optional_item(value.value, key)
    try:
        return Optional(_item(value, key))
    except CelError:
        return NOTHING


def _has(value: Any, field: str) -> bool:
    if isinstance(value, Optional):
        return not value.none and _has(value.value, field)
    if not isinstance(value, dict):
        raise CelError(f"no such overload: has({type_name(value)})")
    return field in value


def _list_of(items: list[tuple[Step, bool]]) -> Step:
    if not any(optional for _, optional in items):
        steps = [step for step, _ in items]
        return lambda frame: [step(frame) for step in steps]

    def build(frame: Frame) -> list[Any]:
        found = []
        for step, optional in items:
            value = step(frame)
            if not optional:
                found.append(value)
            elif not value.none:
                found.append(value.value)
        return found

    return build


def _map_of(entries: list[tuple[Step, Step, bool]]) -> Step:
    def build(frame: Frame) -> dict[Any, Any]:
        found = {}
        for key, step, optional in entries:
            value = step(frame)
            if not optional:
                found[key(frame)] = value
            elif not value.none:
                found[key(frame)] = value.value
        return found

    return build


# -- operators ---------------------------------------------------------------------------------------------------------


def _either(decisive: bool) -> Callable[[Step, Step], Step]:
    """&& and ||: one side that decides makes up for an error of the other."""

    def make(left: Step, right: Step) -> Step:
        def run(frame: Frame) -> Any:
            failed: CelError | None = None
            for side in (left, right):
                try:
                    value = side(frame)
                    if value is decisive:
                        return decisive
                    if value is not (not decisive):
                        raise CelError(f"no such overload: {type_name(value)} is no bool")
                except Exceeded:
                    raise
                except CelError as error:
                    failed = failed or error
            if failed is not None:
                raise failed
            return not decisive

        return run

    return make


def _choice(condition: Step, then: Step, other: Step) -> Step:
    def run(frame: Frame) -> Any:
        decided = condition(frame)
        if not isinstance(decided, bool):
            raise CelError("no such overload")
        return then(frame) if decided else other(frame)

    return run


_LAZY: dict[str, Callable[..., Step]] = {"_&&_": _either(False), "_||_": _either(True), "_?_:_": _choice}


def _number(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(left: Any, right: Any) -> Any:
        if type(left) is not type(right) or not is_number(left):
            return functions.arithmetic(operation, left, right)
        found = operation(left, right)
        if isinstance(left, float):
            return found
        if isinstance(left, Uint):
            if not 0 <= found < 1 << 64:
                raise CelError("unsigned integer overflow")
            return Uint(found)
        return whole(found)

    return run


def _divide(left: Any, right: Any) -> Any:
    if isinstance(left, float):
        if right:
            return left / right
        return math.copysign(math.inf, left) * math.copysign(1, right) if left == left and left else math.nan
    if not right:
        raise CelError("division by zero")
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def _modulo(left: Any, right: Any) -> Any:
    if isinstance(left, float):
        raise CelError("no such overload")
    if not right:
        raise CelError("modulus by zero")
    return abs(left) % abs(right) * (-1 if left < 0 else 1)


def _negate(value: Any) -> Any:
    if not is_number(value) or isinstance(value, Uint):
        raise CelError("no such overload")
    return -value if isinstance(value, float) else whole(-value)


def _not(value: Any) -> bool:
    if not isinstance(value, bool):
        raise CelError("no such overload")
    return not value


def _in(value: Any, container: Any) -> bool:
    if isinstance(container, dict):
        return value in container
    if not isinstance(container, list):
        raise CelError("no such overload")
    return any(equal(value, item) for item in container)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "_==_": equal,
    "_!=_": lambda a, b: not equal(a, b),
    "_<_": lambda a, b: compared(a, b) < 0,
    "_<=_": lambda a, b: compared(a, b) <= 0,
    "_>_": lambda a, b: compared(a, b) > 0,
    "_>=_": lambda a, b: compared(a, b) >= 0,
    "_in_": _in,
    "_+_": _number(lambda a, b: a + b),
    "_-_": _number(lambda a, b: a - b),
    "_*_": _number(lambda a, b: a * b),
    "_/_": _number(_divide),
    "_%_": _number(_modulo),
    "!_": _not,
    "-_": _negate,
    "_[_]": _item,
    "_[?_]": _optional_item,
}


# -- loops -------------------------------------------------------------------------------------------------------------


def _bind(kind: str, name: str, value: Step, body: Step) -> Step:
    def run(frame: Frame) -> Any:
        found = value(frame)
        if kind != "bind":
            if not isinstance(found, Optional):
                raise CelError("no such overload")
            if found.none:
                return NOTHING
            found = found.value
        result = body({**frame, name: found})
        return Optional(result) if kind == "optMap" else result

    return run


def _pairs(value: Any, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """What the variables are in turn: items or keys; with two names index and item, or key and value."""
    if isinstance(value, list):
        return list(enumerate(value)) if len(names) == 2 else [(item,) for item in value]
    if isinstance(value, dict):
        return list(value.items()) if len(names) == 2 else [(key,) for key in value]
    raise CelError(f"no such overload: {type_name(value)} has no items")


def _loop(finish: Callable[[Frame, list[tuple[Any, ...]], tuple[str, ...], Step | None, Step], Any]) -> Callable[..., Step]:
    def make(names: tuple[str, ...], over: Step, condition: Step | None, body: Step, cost: int) -> Step:
        def run(frame: Frame) -> Any:
            pairs = _pairs(over(frame), names)
            frame[_BUDGET].spend(len(pairs) * cost)
            return finish(dict(frame), pairs, names, condition, body)

        return run

    return make


def _quantified(decisive: bool) -> Any:
    def finish(frame: Frame, pairs: list[tuple[Any, ...]], names: tuple[str, ...], _: Step | None, body: Step) -> Any:
        failed: CelError | None = None
        for pair in pairs:
            frame.update(zip(names, pair, strict=True))
            try:
                if body(frame) is decisive:
                    return decisive
            except Exceeded:
                raise
            except CelError as error:
                failed = failed or error
        if failed is not None:
            raise failed
        return not decisive

    return finish


def _one(frame: Frame, pairs: list[tuple[Any, ...]], names: tuple[str, ...], _: Step | None, body: Step) -> Any:
    found = 0
    for pair in pairs:
        frame.update(zip(names, pair, strict=True))
        found += body(frame) is True
    return found == 1


def _mapped(frame: Frame, pairs: list[tuple[Any, ...]], names: tuple[str, ...], condition: Step | None, body: Step) -> list[Any]:
    found = []
    for pair in pairs:
        frame.update(zip(names, pair, strict=True))
        if condition is None or condition(frame) is True:
            found.append(body(frame))
    return found


def _filtered(frame: Frame, pairs: list[tuple[Any, ...]], names: tuple[str, ...], _: Step | None, body: Step) -> list[Any]:
    found = []
    for pair in pairs:
        frame.update(zip(names, pair, strict=True))
        if body(frame) is True:
            found.append(pair[0])
    return found


def _transformed(entry: bool) -> Any:
    def finish(frame: Frame, pairs: list[tuple[Any, ...]], names: tuple[str, ...], condition: Step | None, body: Step) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for pair in pairs:
            frame.update(zip(names, pair, strict=True))
            if condition is not None and condition(frame) is not True:
                continue
            made = body(frame)
            found.update(made if entry else {pair[0]: made})
        return found

    return finish


_LOOPS: dict[str, Callable[..., Step]] = {
    "all": _loop(_quantified(False)),
    "exists": _loop(_quantified(True)),
    "exists_one": _loop(_one),
    "map": _loop(_mapped),
    "filter": _loop(_filtered),
    "transformList": _loop(_mapped),
    "transformMap": _loop(_transformed(False)),
    "transformMapEntry": _loop(_transformed(True)),
}
