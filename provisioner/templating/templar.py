"""Renders values with one set of variables."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jinja2
from jinja2.environment import Template
from jinja2.runtime import Undefined as JinjaUndefined

from provisioner.templating.environment import (
    MAX_COMPILED,
    NativeEnvironment,
    TextEnvironment,
    changes_values,
    place_of,
    syntax_error,
    text_of,
)
from provisioner.templating.errors import PluginError, TemplateError, UndefinedVariable
from provisioner.templating.filters.data import type_debug
from provisioner.templating.plugins import Plugins, add_folders, builtin_plugins
from provisioner.templating.scope import Scope, View, Visible, first_undefined, holds_template
from provisioner.templating.template_files import ends, keep_end, split_header
from provisioner.templating.undefined import Undefined, did_you_mean, undefined_name
from provisioner.templating.values import OMIT, Omit, Sealed, Unsafe, Vaulted, is_template, is_whole_template
from provisioner.templating.vault import HEADER, VaultError, plain

_EXPRESSION = re.compile(r"(\{\{.*?\}\})", re.DOTALL)
_HINT = re.compile(r"\. Did you mean .*\?$")
_VAULT = HEADER.decode()
_LOADS = re.compile(r"\{%[-+]?\s*(?:include|import|extends|from)\b")
_UNTRUSTED = "Encountered untrusted template or expression."


def _holds(value: Any, text: str) -> bool:
    """Whether a text is somewhere in what was written; facts, results and what else is `Resolved` was not."""
    if isinstance(value, str):
        return value.strip() == text
    if isinstance(value, dict):
        return any(_holds(key, text) or _holds(item, text) for key, item in value.items())
    return isinstance(value, list | tuple) and any(_holds(item, text) for item in value)


@dataclass(frozen=True)
class _Loaded:
    """A template file as it was read."""

    environment: TextEnvironment
    template: Template
    state: tuple[int, int]
    """Of its file when it was read; another one means that somebody has written it since."""
    newlines: int
    """At its end."""


class Engine:
    """What all templars of a run share: environments with their plugins, and compiled texts. Thread-safe."""

    def __init__(self, plugins: Plugins | None = None, *, broken_conditions: bool = False) -> None:
        self.plugins = plugins or builtin_plugins()
        self.broken_conditions = broken_conditions
        """Whether what a condition comes to counts by its truth where it is no boolean (`allow_broken_conditionals`)."""
        self.warn: Callable[[str], None] = lambda message: None
        """Where lookups tell what did not make them fail."""
        self.native = NativeEnvironment()
        self._install(self.native)
        self._plugin_folders: set[Path] = set()
        self._compiled: dict[tuple[Any, ...], Template] = {}
        self._files: dict[tuple[Any, ...], TextEnvironment] = {}
        self._loaded: dict[tuple[TextEnvironment, str], _Loaded] = {}
        self._lock = threading.RLock()
        """Held while compiling, too: hosts come to a text at the same time, and the first one compiles it for all."""

    def _install(self, environment: jinja2.Environment) -> None:
        filters: Any = self.plugins.filters  # Jinja's own are among them
        tests: Any = self.plugins.tests
        environment.filters, environment.tests = filters, tests
        environment.globals.update(self.plugins.globals)

    def add_plugins(self, folder: Path) -> list[str]:
        """Those of a role that comes in during the run; what was left out of them is returned."""
        with self._lock:
            known = folder in self._plugin_folders
            self._plugin_folders.add(folder)
        return [] if known else add_folders(self.plugins, [folder])

    def compile(
        self, text: str, *, expression: bool = False, folder: Path | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Template:
        """A template or expression; templates that it includes or imports are looked for in `folder`. `overrides`: settings of Jinja, below those
        of its own first line. Raises TemplateError, and Jinja's own errors."""
        loading = folder if folder is not None and "{%" in text and _LOADS.search(text) else None
        key = (text, expression, loading, tuple(sorted(overrides.items())) if overrides else ())
        found = self._compiled.get(key)
        if found is not None:
            return found
        with self._lock:
            found = self._compiled.get(key)
            if found is None:
                own, body = ({}, text) if expression else split_header(text)
                chosen = {**(overrides or {}), **own}
                environment: TextEnvironment = self.native
                if chosen or loading is not None:
                    chosen.update(keep_trailing_newline=True, finalize=None)
                    environment = self.file_environment([loading] if loading is not None else [], **chosen)
                if expression:
                    found = environment.expression(body)
                else:
                    found = environment.from_string(keep_backslashes(body.removesuffix("\n"), environment))
                if len(self._compiled) >= MAX_COMPILED:
                    self._compiled.clear()
                self._compiled[key] = found
        return found

    def file_environment(self, search: Sequence[Path], **options: Any) -> TextEnvironment:
        """An environment that loads templates from these directories; kept, with all it compiled."""
        key = (tuple(map(str, search)), tuple(sorted(options.items())))
        with self._lock:
            found = self._files.get(key)
            if found is None:
                loader = _Files([str(path) for path in search])
                found = NativeEnvironment(loader, **{"keep_trailing_newline": False, "finalize": _defined, **options})
                self._install(found)
                self._files[key] = found
        return found

    def load(self, name: str, search: Sequence[Path], secrets: object = None, **options: Any) -> _Loaded:
        """A template file of these directories, compiled once until it changes. `secrets` open one that is a vault. Raises TemplateError, and
        Jinja's own errors."""
        base = self.file_environment(search, **options)
        with self._lock:
            found = self._loaded.get((base, name))
            if found is None or found.state != _state(str(found.template.filename)):
                found = self._loaded[base, name] = self._load(base, name, search, secrets, options)
        return found

    def _load(self, base: TextEnvironment, name: str, search: Sequence[Path], secrets: object, options: Mapping[str, Any]) -> _Loaded:
        assert base.loader is not None
        source, path, _ = base.loader.get_source(base, name)
        if source.startswith(_VAULT):
            try:
                source = plain(source.encode(errors="surrogateescape"), Path(path or name), secrets).decode(errors="surrogateescape")
            except VaultError as e:
                raise TemplateError(str(e)) from e
        chosen, body = split_header(source)
        environment = self.file_environment(search, **{**options, **chosen}) if chosen else base
        code = environment.compile(body, name, path)
        template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        return _Loaded(environment, template, _state(str(path)), ends(body))


class _Files(jinja2.FileSystemLoader):
    """Bytes that are no UTF-8 go through a template as they are."""

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            return super().get_source(environment, template)
        except UnicodeDecodeError:
            path = next(found for folder in self.searchpath if (found := Path(folder, template)).is_file())
            state = _state(str(path))
            return path.read_text("utf-8", "surrogateescape"), str(path), lambda: _state(str(path)) == state


def _defined(value: Any) -> Any:
    """An undefined value complains where it stands, so that the line is known."""
    if isinstance(value, JinjaUndefined):
        value._fail_with_undefined_error()
    return value


def _state(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return (0, 0)
    return status.st_mtime_ns, status.st_size


def keep_backslashes(text: str, environment: jinja2.Environment) -> str:
    """Text in whose expressions a backslash in a string stands for itself, as playbooks mean it: `regex_replace('(.)', '\\1')`."""
    if "\\" not in text or "{{" not in text:
        return text
    parts: list[str] = []
    inside = False
    for _, kind, value in environment.lex(text):
        if kind == "variable_begin":
            inside = True
        elif kind == "variable_end":
            inside = False
        parts.append(_kept(value) if inside and kind == "string" else value)
    return "".join(parts)


def _kept(literal: str) -> str:
    """A string in quotes whose backslashes stand for themselves, those before its own quotes too."""
    mark = literal[0]
    return mark + literal[1:-1].replace("\\", "\\\\").replace(mark, "\\" + mark) + mark


_shared: Engine | None = None


def shared_engine() -> Engine:
    """The engine of everything that does not bring its own plugins."""
    global _shared
    if _shared is None:
        _shared = Engine()
    return _shared


class Templar:
    """Renders any value: strings by Jinja, containers item by item. Not for use by several threads at once.

    `search` are the directories that lookups and includes look through, first one first.
    """

    def __init__(
        self,
        roots: Sequence[Path] = (),
        variables: Mapping[str, Any] | None = None,
        *,
        engine: Engine | None = None,
        host: str = "",
    ) -> None:
        self.engine = engine or shared_engine()
        self.search = tuple(roots)
        self.host = host
        self.variables = variables if variables is not None else {}
        self.scope = Scope(self.variables, self._render_variable, {"omit": OMIT, "__templar__": self})
        if "vars" not in self.variables:
            self.scope.local["vars"] = Visible(self.scope)

    def with_local(self, local: Mapping[str, Any]) -> Templar:
        """A templar with more variables whose values are final; variables that use them are rendered anew."""
        other = Templar(self.search, self.variables, engine=self.engine, host=self.host)
        own = {name: value for name, value in self.scope.local.items() if name not in ("__templar__", "omit", "vars")}
        other.scope.local.update(own)
        other.scope.local.update(local)
        return other

    # Rendering

    def render(self, value: Any, *, fail_on_undefined: bool = True, overrides: Mapping[str, Any] | None = None) -> Any:
        """The value with everything in it rendered. `overrides`: settings of Jinja, for a text. Raises TemplateError."""
        written = overrides and isinstance(value, str) and type(value) is not Unsafe and type(value) is not Vaulted
        rendered = self._run(value, self.scope, overrides=overrides) if written else self._render(value, self.scope)
        if fail_on_undefined:
            found = first_undefined(rendered)
            if found is not None:
                raise self._undefined(found)
        return rendered

    def render_text(self, value: Any) -> str:
        return text_of(self.render(value))

    def render_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """A mapping rendered, without what came out as `omit`."""
        cleaned: dict[str, Any] = drop_omitted(self.render(dict(arguments)))
        return cleaned

    def evaluate(self, expression: str) -> Any:
        """The value of a Jinja expression (as in `when:`, without braces); undefined is an error."""
        value = self._run(expression, self.scope, expression=True)
        found = first_undefined(value)
        if found is not None:
            raise self._undefined(found)
        return value

    def evaluate_shown(self, expression: str) -> Any:
        """As `evaluate`, for people: what is undefined inside a list or mapping shows its error in its place, numbered as Ansible does."""
        value = self._run(expression, self.scope, expression=True)
        if isinstance(value, JinjaUndefined):
            raise self._undefined(value)
        numbers = itertools.count(1)

        def shown(part: Any) -> Any:
            if isinstance(part, JinjaUndefined):
                return f"<< error {next(numbers)} - {_HINT.sub('', self._undefined(part).message)} >>"
            if isinstance(part, View):
                return {key: of_view(part, key) for key in part}
            if isinstance(part, dict):
                return {key: shown(item) for key, item in part.items()}
            return [shown(item) for item in part] if isinstance(part, list) else part

        def of_view(part: View, key: str) -> Any:
            try:
                return shown(part[key])
            except TemplateError as e:
                return f"<< error {next(numbers)} - {e.message} >>"

        return value if first_undefined(value) is None and not isinstance(value, View) else shown(value)

    def condition(self, condition: Any, place: object = "<unknown>", *, written: bool = True) -> bool:
        """Whether one condition holds; `place` is where it was written, if it did not come out of a template. Raises TemplateError, also for what
        is no boolean in the end."""
        value = self._asked(condition) if written or not isinstance(condition, str) else self.indirect(condition.strip())
        if isinstance(value, bool):
            return value
        if self.engine.broken_conditions:
            return bool(value)
        raise TemplateError(
            f"Conditional result ({bool(value)}) was derived from value of type {type_debug(value)!r} at '{place}'."
            " Conditionals must have a boolean result."
        )

    def _asked(self, condition: Any) -> Any:
        """What a condition comes to. What one in braces renders to is an expression in turn when it is text."""
        if isinstance(condition, str) and condition.strip():
            condition = condition.strip()
            if not is_whole_template(condition):
                return self.evaluate(condition)
            value = self.render(condition)
            if isinstance(value, str) and value.strip():
                return self.indirect(value.strip())
            condition = value
            if value not in (None, ""):
                return value
        if condition is None or (isinstance(condition, str) and not condition.strip()):
            if self.engine.broken_conditions:
                return True  # of nothing it asked nothing
            raise TemplateError("Empty conditional expressions are not allowed.")
        if isinstance(condition, bool):
            return condition
        if self.engine.broken_conditions:
            return self.render(condition)
        raise TemplateError("Conditional expressions must be strings.")

    def indirect(self, expression: str) -> Any:
        """The value of an expression that came out of a template: one that somebody has written in a variable or a loop. What else it may be,
        such as what a host said, is refused."""
        written = (self.scope.local.get("__written__"), *self.variables.values())
        if not any(_holds(value, expression) for value in written):
            raise TemplateError(_UNTRUSTED)
        return self.evaluate(expression)

    def render_file(
        self, name: str, *, search: Sequence[Path] | None = None, local: Mapping[str, Any] | None = None, **options: Any
    ) -> str:
        """A template file rendered to text. Includes are looked up in `search`."""
        return text_of(self.render_file_value(name, search=search, local=local, **options))

    def render_file_value(
        self, name: str, *, search: Sequence[Path] | None = None, local: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """As `render_file`; a file that is one expression gives that expression's value."""
        scope = self.scope.child(local) if local else self.scope
        try:
            loaded = self.engine.load(name, search if search is not None else self.search, self.variables.get("__vault__"), **options)
        except jinja2.TemplateNotFound as e:
            raise TemplateError(f"template {e.name!r} not found; looked in {', '.join(map(str, search or self.search))}") from e
        except jinja2.TemplateSyntaxError as e:
            raise syntax_error(e, name) from e
        template, environment = loaded.template, loaded.environment
        if changes_values(template):
            scope = scope.apart()
        made = self._guard(lambda: environment.concat(template.root_render_func(template.new_context(cast(Any, scope)))), name)
        return keep_end(made, loaded.newlines, environment.newline_sequence) if isinstance(made, str) else made

    # How it is done

    def _render_variable(self, value: Any, scope: Scope) -> Any:
        return self._render(value, scope, in_variable=True)

    def _render(self, value: Any, scope: Scope, in_variable: bool = False) -> Any:
        if isinstance(value, str):
            if not is_template(value):
                return value
            try:
                return self._run(value, scope)
            except UndefinedVariable as e:
                if not in_variable:
                    raise
                return Undefined(hint=str(e))
        if isinstance(value, dict | list | tuple) and not holds_template(value):
            return value
        if isinstance(value, dict):
            # Keys are data: only a task's own parameter names may be templates.
            return {key: self._render(item, scope, in_variable) for key, item in value.items()}
        if isinstance(value, list):
            return [self._render(item, scope, in_variable) for item in value]
        if isinstance(value, tuple):
            return tuple(self._render(item, scope, in_variable) for item in value)
        return value

    def _run(self, text: str, scope: Scope, *, expression: bool = False, overrides: Mapping[str, Any] | None = None) -> Any:
        if type(text) is Sealed:
            raise TemplateError(text.reason)
        folder = self.search[-1] if self.search else None
        try:
            template = self.engine.compile(text, expression=expression, folder=folder, overrides=overrides)
        except jinja2.TemplateSyntaxError as e:
            if not expression:
                raise TemplateError(f"Syntax error in template: {e.message}") from e
            message = str(e.message).replace("'end of print statement'", "'end of template'")
            if message.startswith("expected token 'end of template'"):
                message = "chunk after expression"
            braces = ". Template delimiters are not supported in expressions" if is_template(text) else ""
            raise TemplateError(f"Syntax error in expression{braces}: {message}") from e
        except jinja2.TemplateError as e:
            raise TemplateError(f"{e}: {text}") from e
        context = template.new_context(cast(Any, scope.apart() if changes_values(template) else scope))
        native = self.engine.native
        made = self._guard(lambda: native.concat(template.root_render_func(context)), "", text, "expression" if expression else "template")
        # A line's end after an expression does not make its value a text.
        return keep_end(made, ends(text)) if not expression and isinstance(made, str) else made

    def _guard(self, render: Callable[[], Any], name: str, text: str = "", kind: str = "template") -> Any:
        """Runs a rendering and translates every error into ours."""
        try:
            return render()
        except (UndefinedVariable, PluginError) as e:
            if name and not e.template:
                e.template, e.line = place_of(e, name)
            raise
        except TemplateError:
            raise
        except jinja2.UndefinedError as e:
            template, line = place_of(e, name) if name else ("", None)
            raise UndefinedVariable(self._explain(str(e)), template=template, line=line) from e
        except jinja2.TemplateSyntaxError as e:
            raise syntax_error(e, name) from e
        except jinja2.TemplateNotFound as e:
            where = "" if name or not self.search else f" in search path: {str(self.search[-1])!r}"
            raise TemplateError(f"Error rendering {kind}: {e.name!r} not found{where}", template=name) from e
        except RecursionError as e:
            raise TemplateError(f"variables refer to each other in a circle: {text or name}") from e
        except Exception as e:
            template, line = place_of(e, name) if name else ("", None)
            raise TemplateError(f"Error rendering {kind}: {e}", template=template, line=line) from e

    def _undefined(self, value: JinjaUndefined) -> UndefinedVariable:
        name = undefined_name(value)
        message = self._explain(value._undefined_message) if name else value._undefined_message
        return UndefinedVariable(message)

    def _explain(self, message: str) -> str:
        """Adds the nearest variable names to Jinja's \"'x' is undefined\"."""
        if message.startswith("'") and message.endswith("' is undefined"):
            return message + did_you_mean(message[1:-14], (name for name in self.scope if not name.startswith("__")))
        return message


def with_errors_shown(text: str, templar: Templar) -> str:
    """A text for people, such as a task's name, rendered: what cannot be shows its error in its place, numbered as Ansible does."""
    try:
        return templar.render_text(text)
    except TemplateError:
        pass
    errors = 0
    shown = ""
    for part in _EXPRESSION.split(text):
        try:
            shown += templar.render_text(part)
        except TemplateError as e:
            errors += 1
            shown += f"<< error {errors} - {_HINT.sub('', e.message)} >>"
    return shown


def drop_omitted(value: Any) -> Any:
    """Without parameters whose value is `omit`, at any depth; mappings for views of variables. Raises UndefinedVariable of what is in a view."""
    if isinstance(value, View):
        made = {key: drop_omitted(item) for key, item in value.items()}
        found = first_undefined(made)
        if found is not None:
            raise UndefinedVariable(found._undefined_message)
        return made
    if isinstance(value, dict):
        return {key: drop_omitted(item) for key, item in value.items() if not isinstance(item, Omit)}
    if isinstance(value, list):
        return [drop_omitted(item) for item in value if not isinstance(item, Omit)]
    return value
