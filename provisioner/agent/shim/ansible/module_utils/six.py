"""What modules written for two Pythons at once import: the names of Python 3 under those that six gave them.

`six.moves` and what is below it are made on first use, so that nobody pays for an HTTP client he doesn't call.
"""

import builtins
import importlib
import io
import sys
import types
from typing import Any, Callable, Dict, Iterator, Tuple

PY2, PY3, PY34 = False, True, True
string_types: Tuple[type, ...] = (str,)
integer_types: Tuple[type, ...] = (int,)
class_types: Tuple[type, ...] = (type,)
text_type = str
binary_type = bytes
MAXSIZE = sys.maxsize
StringIO, BytesIO = io.StringIO, io.BytesIO
unichr, int2byte = chr, lambda i: bytes((i,))
next = advance_iterator = builtins.next
callable = builtins.callable


def iteritems(mapping: Any, **options: Any) -> Iterator[Any]:
    return iter(mapping.items(**options))


def iterkeys(mapping: Any, **options: Any) -> Iterator[Any]:
    return iter(mapping.keys(**options))


def itervalues(mapping: Any, **options: Any) -> Iterator[Any]:
    return iter(mapping.values(**options))


def b(text: str) -> bytes:
    return text.encode("latin-1")


def u(text: str) -> str:
    return text


def ensure_text(value: Any, encoding: str = "utf-8", errors: str = "strict") -> str:
    return value.decode(encoding, errors) if isinstance(value, bytes) else value


ensure_str = ensure_text


def ensure_binary(value: Any, encoding: str = "utf-8", errors: str = "strict") -> bytes:
    return value.encode(encoding, errors) if isinstance(value, str) else value


def raise_from(value: BaseException, cause: BaseException) -> None:
    raise value from cause


def reraise(kind: Any, value: Any, traceback: Any = None) -> None:
    raise (value if value is not None else kind()).with_traceback(traceback)


def with_metaclass(meta: type, *bases: type) -> Any:
    """A base class whose subclasses have this metaclass."""
    return meta("with_metaclass", bases or (object,), {})


def add_metaclass(meta: type) -> Callable[[type], type]:
    def made_again(cls: type) -> type:
        body = {k: v for k, v in cls.__dict__.items() if k not in ("__dict__", "__weakref__")}
        return meta(cls.__name__, cls.__bases__, body)  # type: ignore[no-any-return]

    return made_again


def python_2_unicode_compatible(cls: Any) -> Any:
    return cls


class _Later(types.ModuleType):
    """A module whose names are imported when they are asked for: name -> 'module' or 'module:name'; `behind` answers for the rest."""

    def __init__(self, name: str, names: Dict[str, str], behind: str = "") -> None:
        super().__init__(name)
        self.__dict__.update(__path__=[], _names=names, _behind=behind)

    def __getattr__(self, name: str) -> Any:
        where = self.__dict__["_names"].get(name)
        if where is not None:
            module, _, inner = where.partition(":")
            found: Any = importlib.import_module(module)
            found = getattr(found, inner) if inner else found
        elif self.__dict__["_behind"] and not name.startswith("__"):
            found = getattr(importlib.import_module(self.__dict__["_behind"]), name)
        else:
            raise AttributeError(name)
        setattr(self, name, found)
        return found


_MODULES = {
    "builtins": "builtins", "collections_abc": "collections.abc", "configparser": "configparser", "cPickle": "pickle", "copyreg": "copyreg",
    "html_entities": "html.entities", "html_parser": "html.parser", "http_client": "http.client", "http_cookiejar": "http.cookiejar",
    "http_cookies": "http.cookies", "queue": "queue", "reprlib": "reprlib", "socketserver": "socketserver", "xmlrpc_client": "xmlrpc.client",
    "email_mime_text": "email.mime.text", "email_mime_multipart": "email.mime.multipart", "email_mime_base": "email.mime.base",
}  # fmt: skip
_URLLIB = ("parse", "error", "request", "response", "robotparser")
_NAMES = {
    "StringIO": "io:StringIO", "cStringIO": "io:StringIO", "filter": "builtins:filter", "map": "builtins:map", "zip": "builtins:zip",
    "range": "builtins:range", "xrange": "builtins:range", "input": "builtins:input", "reduce": "functools:reduce", "intern": "sys:intern",
    "reload_module": "importlib:reload", "shlex_quote": "shlex:quote", "getcwd": "os:getcwd", "zip_longest": "itertools:zip_longest",
    "filterfalse": "itertools:filterfalse", "UserDict": "collections:UserDict", "UserList": "collections:UserList",
}  # fmt: skip


def _make_moves() -> types.ModuleType:
    root = __name__ + ".moves"
    made = {f"{root}.{name}": _Later(f"{root}.{name}", {}, behind) for name, behind in _MODULES.items()}
    made.update((f"{root}.urllib.{name}", _Later(f"{root}.urllib.{name}", {}, f"urllib.{name}")) for name in _URLLIB)
    urllib = _Later(f"{root}.urllib", {name: f"{root}.urllib.{name}" for name in _URLLIB})
    flat = {name: f"{root}.{name}" for name in _MODULES}
    flat.update({f"urllib_{name}": f"{root}.urllib.{name}" for name in _URLLIB}, urllib=f"{root}.urllib")
    moves = _Later(root, {**_NAMES, **flat})
    sys.modules.update({**made, f"{root}.urllib": urllib, root: moves})
    return moves


moves = _make_moves()
__path__: Any = []  # so that `import …six.moves.urllib.parse` finds what is registered above
