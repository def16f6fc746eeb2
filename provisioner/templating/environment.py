"""The two Jinja environments: one that keeps native values for task parameters, one that renders files to text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import timedelta
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any, cast

import jinja2
from jinja2 import nodes
from jinja2.environment import Template
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context, TemplateReference
from jinja2.runtime import Undefined as JinjaUndefined
from jinja2.sandbox import is_internal_attribute
from jinja2.utils import Cycler, Joiner, Namespace, missing
from jinja2.visitor import NodeTransformer

from provisioner.templating.errors import TemplateError
from provisioner.templating.scope import Scope
from provisioner.templating.undefined import Undefined
from provisioner.templating.values import Omit, is_template

_CACHED_TEMPLATES = 400  # Jinja's own default for templates loaded from files
MAX_COMPILED = 20_000  # texts; a guess: a run of 300 tasks has some thousand distinct ones


class LazyContext(Context):
    """Resolves names through a Scope, so that a variable is rendered only when a template uses it."""

    def __init__(
        self,
        environment: jinja2.Environment,
        parent: Any,
        name: str | None,
        blocks: dict[str, Any],
        globals: MutableMapping[str, Any] | None = None,
    ) -> None:
        super().__init__(environment, parent, name, blocks, globals)

    @property
    def scope(self) -> Scope | None:
        return self.parent if isinstance(self.parent, Scope) else None

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        if key in self.parent:
            return self.parent[key]
        return self.environment.globals.get(key, missing)

    def get_all(self) -> Any:
        scope = self.scope
        if scope is not None:
            return scope.child(self.vars) if self.vars else scope
        return super().get_all()

    def derived(self, locals: dict[str, Any] | None = None) -> Context:
        context = new_lazy_context(self.environment, self.name, {}, self.get_all(), True, locals)
        context.eval_ctx = self.eval_ctx
        context.blocks.update((k, list(v)) for k, v in self.blocks.items())
        return context


def new_lazy_context(
    environment: jinja2.Environment,
    name: str | None,
    blocks: dict[str, Any],
    variables: Any,
    shared: bool,
    locals: Mapping[str, Any] | None,
) -> LazyContext:
    parent: Any = variables if variables is not None else {}
    if not isinstance(parent, Scope) and not shared:
        parent = dict(environment.globals, **parent)
    real = {key: value for key, value in (locals or {}).items() if value is not missing}
    if real:
        parent = parent.child(real) if isinstance(parent, Scope) else {**parent, **real}
    return LazyContext(environment, parent, name, blocks, environment.globals)


class LazyTemplate(Template):
    """A template whose contexts are lazy, also those of includes and imports."""

    def new_context(self, vars: Any = None, shared: bool = False, locals: Mapping[str, Any] | None = None) -> Context:
        return new_lazy_context(self.environment, self.name, self.blocks, vars, shared, locals)


# Methods of lists, dicts and sets that change them.
_CHANGING = frozenset(
    {"append", "extend", "insert", "remove", "pop", "clear", "update", "setdefault", "popitem", "sort", "reverse", "add", "discard"}
)


def changes_values(template: Template) -> bool:
    """Whether a template calls methods that change what they are called on: it gets values of its own then."""
    found = template.__dict__.get("changes_values")
    if found is None:
        functions = [template.root_render_func, *template.blocks.values()]
        found = any(_names_changing(function.__code__) for function in functions)
        template.__dict__["changes_values"] = found
    return bool(found)


def _names_changing(code: CodeType) -> bool:
    return any(
        part in _CHANGING if isinstance(part, str) else isinstance(part, CodeType) and _names_changing(part) for part in code.co_consts
    )


class _NativeGenerator(NativeCodeGenerator):
    def _output_const_repr(self, group: Iterable[Any]) -> str:
        return repr(concat_native(group))


def text_of(value: Any) -> str:
    """A value as it reads inside text; nothing stands for None and `omit`."""
    if type(value) is str:
        return value
    if value is None or type(value) is Omit:
        return ""
    if isinstance(value, _VIEWS):
        value = list(cast(Any, value))
    return str(plain(value) if isinstance(value, list | dict | tuple) else value)


_INNER = (list, dict, tuple, Omit)


def plain(value: Any) -> Any:
    """A template's value with lists for tuples and without `omit`, at any depth: what Jinja's and Python's own functions make is data too."""
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return [plain(item) for item in value if type(item) is not Omit]
    if isinstance(value, list):
        return [plain(item) for item in value if type(item) is not Omit] if any(isinstance(item, _INNER) for item in value) else value
    if type(value) is dict:
        if any(isinstance(item, _INNER) for item in value.values()):
            return {key: plain(item) for key, item in value.items() if type(item) is not Omit}
        return value
    return value


# What Jinja's own machinery and Python's are made of, and can't be kept in a variable.
_NO_VALUES = (
    range, TemplateReference, timedelta, type, FunctionType, BuiltinFunctionType, MethodType, Namespace, Cycler, Joiner
)  # fmt: skip
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))


def concat_native(nodes: Iterable[Any]) -> Any:
    """One node is its own value; several are text; none is None, as of blocks alone. Nodes that are None count as none at all."""
    found = [node for node in nodes if node is not None]
    if not found:
        return None
    if len(found) > 1:
        return "".join(map(text_of, found))
    first = found[0]
    if isinstance(first, _NO_VALUES):
        kind = "method" if isinstance(first, BuiltinFunctionType) else type(first).__name__
        raise TemplateError(f"Error rendering template: Type {kind!r} is unsupported for variable storage.")
    if isinstance(first, _VIEWS) or (isinstance(first, Iterator) and not isinstance(first, str)):
        first = list(cast(Any, first))
    return plain(first) if isinstance(first, list | dict | tuple) else first


def concat_text(nodes: Iterable[Any]) -> str:
    return "".join(map(text_of, nodes))


class _Rendered(NodeTransformer):
    """Strings that are written as templates inside of a template, as what they render to (Ansible's allow_embedded_templates)."""

    def visit_Const(self, node: nodes.Const) -> nodes.Expr:
        if not is_template(node.value):
            return node
        render = nodes.Getattr(nodes.Name("__templar__", "load"), "render", "load")
        return nodes.Call(render, [node], [], None, None, lineno=node.lineno)


_LOOKUPS = frozenset({"lookup", "query", "q"})
_WRITTEN = (nodes.Const, nodes.List, nodes.Tuple, nodes.Dict)


class TextEnvironment(jinja2.Environment):
    """Renders template files. Attribute access prefers keys over methods only where Jinja does not find the attribute."""

    concat = staticmethod(concat_text)
    template_class = LazyTemplate
    context_class = LazyContext

    def __init__(self, loader: jinja2.BaseLoader | None = None, **options: Any) -> None:
        options.setdefault("trim_blocks", True)
        options.setdefault("keep_trailing_newline", True)
        super().__init__(
            loader=loader,
            undefined=Undefined,
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
            cache_size=_CACHED_TEMPLATES,
            autoescape=False,
            **options,
        )

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Templates in what lookups are given are rendered: `lookup('pipe', 'echo {{ x }}')`."""
        tree = super()._parse(source, name, filename)
        if source.count("{{") > 1:
            for call in tree.find_all(nodes.Call):
                if isinstance(call.node, nodes.Name) and call.node.name in _LOOKUPS:
                    call.args[1:] = [_Rendered().visit(term) if isinstance(term, _WRITTEN) else term for term in call.args[1:]]
        return tree

    def expression(self, text: str) -> Template:
        """An expression without braces. Templates in its strings are rendered, too: `a == '{{ b }}'`."""
        source = "{{ " + text + "\n}}"
        tree: Any = _Rendered().visit(self.parse(source)) if is_template(text) else source
        return self.template_class.from_code(self, self.compile(tree), self.make_globals(None))

    def getattr(self, obj: Any, attribute: str) -> Any:
        if attribute.startswith("__") or is_internal_attribute(obj, attribute):
            kind = next((plain.__name__ for plain in (str, dict, list) if isinstance(obj, plain)), type(obj).__name__)
            return self.undefined(f"access to attribute {attribute!r} of {kind!r} object is unsafe.")
        if isinstance(obj, dict) and not attribute.startswith("_"):
            # What Jinja does in the end, without the exception on the way: methods of dict first, then keys.
            found = getattr(obj, attribute, missing)
            if found is not missing:
                return found
            if attribute in obj:
                return obj[attribute]
            return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


class NativeEnvironment(TextEnvironment):
    """Renders task parameters and variables: `{{ [1, 2] }}` is a list."""

    code_generator_class = _NativeGenerator
    concat = staticmethod(concat_native)


def place_of(error: BaseException, fallback: str) -> tuple[str, int | None]:
    """The innermost template and its line that an error went through."""
    found: tuple[str, int | None] = (fallback, None)
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            found = (template.filename or template.name or fallback, template.get_corresponding_lineno(trace.tb_lineno))
        trace = trace.tb_next
    return found


def syntax_error(error: jinja2.TemplateSyntaxError, name: str) -> TemplateError:
    return TemplateError(f"Syntax error in template: {error.message}", template=error.filename or error.name or name, line=error.lineno)


__all__ = ["JinjaUndefined", "NativeEnvironment", "TextEnvironment", "concat_native", "place_of", "syntax_error", "text_of"]
