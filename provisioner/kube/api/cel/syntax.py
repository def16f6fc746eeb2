"""Text to syntax tree: tokens, precedence, macros. Errors say where, as upstream's compiler does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.kube.api.cel.values import CelError, Uint

# Deeper nesting is refused: it would exhaust the interpreter's stack.
DEPTH = 60
LENGTH = 16 * 1024

_TOKENS = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
  | (?P<text>(?:[rR]|[bB]|[rR][bB]|[bB][rR])?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
  | (?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<uint>(?:0x[0-9a-fA-F]+|\d+)[uU])
  | (?P<int>0x[0-9a-fA-F]+|\d+)
  | (?P<quoted>`[a-zA-Z0-9_.\-/ ]+`)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<op>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}])""",
    re.X | re.S,
)
_RELATIONS = frozenset(("==", "!=", "<", "<=", ">", ">=", "in"))
_RESERVED = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)
# What no variable or field may be called as it is.
NO_NAMES = _RESERVED | {"true", "false", "null", "in"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?"}
# How the API spells property names that are no identifiers.
_FIELD_ESCAPES = (("__dot__", "."), ("__dash__", "-"), ("__slash__", "/"), ("__underscores__", "__"))
_LOOPS = frozenset(("all", "exists", "exists_one", "existsOne", "map", "filter", "transformList", "transformMap", "transformMapEntry"))


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`; `optional` for `.?`, `tests` for has()."""

    operand: Node
    field: str
    optional: bool = False
    tests: bool = False
    at: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A function, a method (`target`) or an operator (`_+_` and the like)."""

    name: str
    target: Node | None
    args: tuple[Node, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class ListOf:
    """Items with whether each is optional (`?x`)."""

    items: tuple[tuple[Node, bool], ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    entries: tuple[tuple[Node, Node, bool], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """`Object.spec{replicas: 1}`."""

    type: str
    fields: tuple[tuple[str, Node, bool], ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Loop:
    """A macro over a list or a map: one variable or two, an optional condition, a body."""

    kind: str
    over: Node
    names: tuple[str, ...]
    condition: Node | None
    body: Node


@dataclass(frozen=True, slots=True)
class Bind:
    """cel.bind, and the optionals' optMap and optFlatMap (then `value` is an optional)."""

    kind: str
    name: str
    value: Node
    body: Node


Node = Literal | Name | Select | Call | ListOf | MapOf | Message | Loop | Bind


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def failure(text: str, at: int, message: str) -> CelError:
    """A compilation error in the words and the layout of upstream's."""
    line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1)
    source = text.splitlines()[line - 1] if text else ""
    return CelError(f"ERROR: <input>:{line}:{column + 1}: {message}\n | {source}\n | {'.' * column}^")


def parse(text: str) -> Node:
    """Raises CelError."""
    if len(text) > LENGTH:
        raise CelError(f"the expression is longer than {LENGTH} characters")
    reader = _Parser(text)
    found = reader.expression()
    reader.expect("end")
    return found


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None:
            raise failure(text, at, f"Syntax error: token recognition error at: '{text[at]}'")
        kind = match.lastgroup or ""
        if kind == "name" and match.group() == "in":
            kind = "op"
        if kind != "space":
            found.append(_Token(kind, match.group(), at))
        at = match.end()
    return [*found, _Token("end", "<EOF>", len(text))]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0

    @property
    def token(self) -> _Token:
        return self._tokens[self._next]

    def take(self) -> _Token:
        token = self.token
        self._next += 1
        return token

    def has(self, *texts: str) -> bool:
        return self.token.kind == "op" and self.token.text in texts

    def skip(self, text: str) -> bool:
        if self.has(text):
            self._next += 1
            return True
        return False

    def wrong(self, token: _Token, wanted: str = "") -> CelError:
        return failure(self._text, token.at, f"Syntax error: mismatched input '{token.text}'" + (f" expecting {wanted}" if wanted else ""))

    def expect(self, text: str) -> _Token:
        token = self.token
        if (text == "end" and token.kind == "end") or (token.kind == "op" and token.text == text):
            return self.take()
        raise self.wrong(token, "<EOF>" if text == "end" else f"'{text}'")

    def name(self) -> str:
        token = self.take()
        if token.kind != "name":
            raise self.wrong(token, "IDENTIFIER")
        return token.text

    # -- by precedence ---------------------------------------------------------------------------------------------

    def expression(self) -> Node:
        self._depth += 1
        if self._depth > DEPTH:
            raise failure(self._text, self.token.at, "expression recursion limit exceeded")
        found = self._or()
        if self.has("?"):
            at = self.take().at
            then = self._or()
            self.expect(":")
            found = Call("_?_:_", None, (found, then, self.expression()), at)
        self._depth -= 1
        return found

    def _or(self) -> Node:
        found = self._and()
        while self.has("||"):
            found = self._binary(found, self._and)
        return found

    def _and(self) -> Node:
        found = self._relation()
        while self.has("&&"):
            found = self._binary(found, self._relation)
        return found

    def _relation(self) -> Node:
        found = self._addition()
        while self.token.kind == "op" and self.token.text in _RELATIONS:
            found = self._binary(found, self._addition)
        return found

    def _addition(self) -> Node:
        found = self._multiplication()
        while self.has("+", "-"):
            found = self._binary(found, self._multiplication)
        return found

    def _multiplication(self) -> Node:
        found = self._unary()
        while self.has("*", "/", "%"):
            found = self._binary(found, self._unary)
        return found

    def _binary(self, left: Node, right: Any) -> Node:
        token = self.take()
        return Call(f"_{token.text}_", None, (left, right()), token.at)

    def _unary(self) -> Node:
        if self.has("!", "-"):
            token = self.take()
            self._depth += 1
            if self._depth > DEPTH:
                raise failure(self._text, token.at, "expression recursion limit exceeded")
            operand = self._unary()
            self._depth -= 1
            if token.text == "-" and isinstance(operand, Literal) and type(operand.value) in (int, float) and operand.value >= 0:
                return Literal(-operand.value)
            return Call(f"{token.text}_", None, (operand,), token.at)
        return self._member()

    def _member(self) -> Node:
        found = self._primary()
        while True:
            if self.skip("."):
                found = self._selected(found)
            elif self.has("["):
                at = self.take().at
                optional = self.skip("?")
                index = self.expression()
                self.expect("]")
                found = Call("_[?_]" if optional else "_[_]", None, (found, index), at)
            elif self.has("{") and (type_ := _type_name(found)):
                found = self._message(type_)
            else:
                return found

    def _selected(self, operand: Node) -> Node:
        optional = self.skip("?")
        token = self.take()
        if token.kind == "quoted":
            return Select(operand, token.text[1:-1], optional, at=token.at)
        if token.kind != "name":
            raise self.wrong(token, "IDENTIFIER")
        if not optional and self.has("("):
            return self._called(token, operand, self._arguments())
        return Select(operand, _unescaped(token.text), optional, at=token.at)

    def _arguments(self) -> tuple[Node, ...]:
        self.expect("(")
        found: list[Node] = []
        while not self.skip(")"):
            if found:
                self.expect(",")
            found.append(self.expression())
        return tuple(found)

    def _called(self, token: _Token, target: Node | None, args: tuple[Node, ...]) -> Node:
        name = token.text
        if target is None:
            if name == "has":
                if len(args) != 1 or not isinstance(args[0], Select):
                    raise failure(self._text, token.at, "invalid argument to has() macro")
                return Select(args[0].operand, args[0].field, tests=True, at=token.at)
            return Call(name, None, args, token.at)
        if isinstance(target, Name) and target.name == "cel" and name == "bind" and len(args) == 3 and isinstance(args[0], Name):
            return Bind("bind", args[0].name, args[1], args[2])
        if name in ("optMap", "optFlatMap") and len(args) == 2 and isinstance(args[0], Name):
            return Bind(name, args[0].name, target, args[1])
        if name in _LOOPS:
            return self._loop(token, target, args)
        return Call(name, target, args, token.at)

    def _loop(self, token: _Token, target: Node, args: tuple[Node, ...]) -> Node:
        kind = "exists_one" if token.text == "existsOne" else token.text
        names = []
        for arg in args[: 2 if len(args) > 2 and kind != "map" else 1]:
            if not isinstance(arg, Name):
                raise failure(self._text, token.at, "argument must be a simple name")
            names.append(arg.name)
        rest = args[len(names) :]
        if not names or not 1 <= len(rest) <= (2 if kind in ("map", "transformList", "transformMap", "transformMapEntry") else 1):
            raise failure(self._text, token.at, f"found no matching overload for '{token.text}'")
        return Loop(kind, target, tuple(names), rest[0] if len(rest) == 2 else None, rest[-1])

    # -- what stands for itself ------------------------------------------------------------------------------------

    def _primary(self) -> Node:
        token = self.take()
        if token.kind == "op":
            return self._bracketed(token)
        if token.kind == "text":
            return Literal(_text(token.text, lambda message: failure(self._text, token.at, message)))
        if token.kind in ("int", "uint"):
            digits = token.text.rstrip("uU")
            number = int(digits, 16 if digits.startswith("0x") else 10)
            if number >= (1 << 64 if token.kind == "uint" else (1 << 63) + 1):
                raise failure(self._text, token.at, f"invalid {token.kind} literal")
            return Literal(Uint(number) if token.kind == "uint" else number)
        if token.kind == "float":
            return Literal(float(token.text))
        if token.kind != "name":
            raise self.wrong(token)
        if token.text in ("true", "false", "null"):
            return Literal({"true": True, "false": False, "null": None}[token.text])
        if token.text in _RESERVED:
            raise failure(self._text, token.at, f"reserved identifier: {token.text}")
        if self.has("("):
            return self._called(token, None, self._arguments())
        return Name(token.text, token.at)

    def _bracketed(self, token: _Token) -> Node:
        if token.text == "(":
            found = self.expression()
            self.expect(")")
            return found
        if token.text == "[":
            items: list[tuple[Node, bool]] = []
            while not self.skip("]"):
                optional = self.skip("?")
                items.append((self.expression(), optional))
                if not self.skip(","):
                    self.expect("]")
                    break
            return ListOf(tuple(items))
        if token.text == "{":
            entries: list[tuple[Node, Node, bool]] = []
            while not self.skip("}"):
                optional = self.skip("?")
                key = self.expression()
                self.expect(":")
                entries.append((key, self.expression(), optional))
                if not self.skip(","):
                    self.expect("}")
                    break
            return MapOf(tuple(entries))
        if token.text == "." and self.token.kind == "name":
            return self._primary()
        raise self.wrong(token)

    def _message(self, type_: str) -> Node:
        at = self.expect("{").at
        fields: list[tuple[str, Node, bool]] = []
        while not self.skip("}"):
            optional = self.skip("?")
            token = self.take()
            if token.kind not in ("name", "quoted"):
                raise self.wrong(token, "IDENTIFIER")
            self.expect(":")
            fields.append((_unescaped(token.text.strip("`")), self.expression(), optional))
            if not self.skip(","):
                self.expect("}")
                break
        return Message(type_, tuple(fields), at)


def _type_name(node: Node) -> str:
    """`Object.spec` of the selections that spell it, "" for what is no type's name."""
    parts: list[str] = []
    while isinstance(node, Select) and not node.optional and not node.tests:
        parts.append(node.field)
        node = node.operand
    if not isinstance(node, Name) or not node.name[0].isupper():
        return ""
    return ".".join([node.name, *reversed(parts)])


def _unescaped(field: str) -> str:
    if "__" not in field:
        return field
    if field.startswith("__") and field.endswith("__") and field[2:-2] in NO_NAMES:
        return field[2:-2]
    return re.sub("__dot__|__dash__|__slash__|__underscores__", lambda m: dict(_FIELD_ESCAPES)[m.group()], field)


def _text(source: str, wrong: Any) -> str | bytes:
    """The value of a string or bytes literal."""
    prefix = source[: min(source.find(q) for q in "\"'" if q in source)].lower()
    body = source[len(prefix) :]
    edge = 3 if body[:3] in ('"""', "'''") else 1
    body = body[edge:-edge]
    as_bytes = "b" in prefix
    if "r" in prefix:
        return body.encode() if as_bytes else body

    def escape(match: re.Match[str]) -> str:
        code = match.group(1)
        if code in _ESCAPES:
            return _ESCAPES[code]
        if code[0] in "xXuU" and len(code) > 1:
            return chr(int(code[1:], 16))
        if code.isdigit() and len(code) == 3:
            return chr(int(code, 8))
        raise wrong("Syntax error: invalid escape sequence")

    pattern = r"\\([xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)"
    if as_bytes:
        return re.sub(pattern, escape, body, flags=re.S).encode("latin-1" if body.isascii() else "utf-8")
    return re.sub(pattern, escape, body, flags=re.S)


def size(node: Node | Sequence[Any] | Any) -> int:
    """How many nodes a tree has: what one run of it costs."""
    if isinstance(node, tuple):
        return sum(map(size, node))
    if isinstance(node, Literal | Name):
        return 1
    fields = getattr(node, "__slots__", ())
    return 1 + sum(size(getattr(node, f)) for f in fields) if fields else 0
