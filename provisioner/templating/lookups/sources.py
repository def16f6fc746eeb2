"""Lookups that read: files, templates, environment, variables, commands, passwords, tables, addresses on the web."""

from __future__ import annotations

import configparser
import csv
import os
import random
import re
import secrets
import shlex
import string
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

from provisioner.templating.errors import PluginError, UndefinedVariable
from provisioner.templating.filters.digests import password_hash
from provisioner.templating.filters.text import to_bool
from provisioner.templating.lookups.call import Call, Lookup, Options, Terms
from provisioner.templating.lookups.words import words_of
from provisioner.templating.template_files import template_variables
from provisioner.templating.undefined import MANDATORY, Undefined, did_you_mean

_TIMEOUT_S = 300.0  # A guess: longer than any sensible pipe; a hanging one must not hang the run for ever.


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape")
    except OSError as e:
        raise PluginError(f"{path} cannot be read: {e.strerror}") from e


def file(call: Call, terms: Terms, options: Options) -> list[Any]:
    result = []
    for term in terms:
        text = call.read(call.find_or_fail(str(term))).decode(errors="surrogateescape")
        text = text.lstrip() if to_bool(options.get("lstrip", False)) else text
        result.append(text.rstrip() if to_bool(options.get("rstrip", True)) else text)
    return result


_TEMPLATE_OPTIONS = ("variable_start_string", "variable_end_string", "comment_start_string", "comment_end_string", "trim_blocks")


def template(call: Call, terms: Terms, options: Options) -> list[Any]:
    result = []
    for term in terms:
        path = call.find(str(term), "templates")
        if path is None:
            raise PluginError(f"the template file {term} could not be found for the lookup")
        own = template_variables(path, str(term), None)
        if "ansible_managed" in call.templar.scope:
            del own["ansible_managed"]
        local = {**own, **options.get("template_vars", {})}
        chosen = {key: options[key] for key in _TEMPLATE_OPTIONS if options.get(key) is not None}
        search = [path.parent, *(folder / kind for folder in call.templar.search for kind in ("templates", "."))]
        result.append(call.templar.render_file_value(path.name, search=search, local=local, **chosen))
    return result


def env(call: Call, terms: Terms, options: Options) -> list[Any]:
    default = options.get("default", "")
    for term in terms:
        if isinstance(default, Undefined) and str(term) not in os.environ:
            if default._undefined_hint != MANDATORY:
                default._fail_with_undefined_error()
            raise UndefinedVariable(f"The environment variable '{term}' is not set.")
    return [os.environ.get(str(term), default) for term in terms]


def variables(call: Call, terms: Terms, options: Options) -> list[Any]:
    result = []
    for term in terms:
        if not isinstance(term, str):
            raise PluginError(f"Variable name must be 'str' not {type(term).__name__!r}.")
        if term in call.templar.scope:
            result.append(call.variable(term))
        elif "default" in options:
            result.append(options["default"])
        else:
            raise UndefinedVariable(f"No variable named '{term}' was found{did_you_mean(term, call.templar.scope) or '.'}")
    return result


def varnames(call: Call, terms: Terms, options: Options) -> list[Any]:
    names = [name for name in call.templar.scope if not name.startswith("__")]
    for term in terms:
        if not isinstance(term, str):
            raise PluginError(f'Invalid setting identifier, "{term}" is not a string, it is a {type(term)}')
    try:
        return [name for term in terms for name in names if re.search(term, name)]
    except re.error as e:
        raise PluginError(f'Unable to use "{terms[0]}" as a search parameter: {e}') from e


def _run(command: str, lookup: str = "pipe") -> str:
    try:
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as e:
        raise PluginError(f"lookup_plugin.{lookup}({command}) did not end within {_TIMEOUT_S:.0f} s") from e
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-300:]
        raise PluginError(f"lookup_plugin.{lookup}({command}) returned {done.returncode}" + (f": {said}" if said else ""))
    return done.stdout.decode(errors="surrogateescape")


def pipe(call: Call, terms: Terms, options: Options) -> list[Any]:
    return [_run(str(term)).rstrip("\r\n") for term in terms]


def lines(call: Call, terms: Terms, options: Options) -> list[Any]:
    return [line for term in terms for line in _run(str(term), "lines").splitlines()]


def unvault(call: Call, terms: Terms, options: Options) -> list[Any]:
    found = [(term, call.find(str(term))) for term in terms]
    for term, path in found:
        if path is None:
            raise PluginError(f'Unable to find file matching "{term}" ')
    return [call.read(path).decode(errors="surrogateescape") for _, path in found if path is not None]


_PASSWORD_OPTIONS = ("length", "encrypt", "chars", "ident", "seed")


def password(call: Call, terms: Terms, options: Options) -> list[Any]:
    """A random password kept in a file (mode 0600), made when it is not there yet. Options in a term win over those beside it."""
    result = []
    for term in terms:
        name, given = _password_term(str(term))
        chosen = {**options, **given}
        try:
            length = int(chosen.get("length", 20))
        except ValueError:
            wrong = f"Invalid value provided for 'integer': {chosen['length']!r}"
            raise PluginError(f"Config 'length' for 'password' lookup plugin from 'Direct' has an invalid value: {wrong}") from None
        alphabet = _alphabet(chosen.get("chars") or ["ascii_letters", "digits", ".,:-_"])
        made = _kept_password(Path(name).expanduser(), length, alphabet, chosen.get("encrypt"), chosen.get("seed"), chosen.get("ident"))
        result.append(made)
    return result


def _password_term(term: str) -> tuple[str, Options]:
    """The file, whose name may have spaces, and the options after it. Raises PluginError."""
    name, options = term, ""
    found = re.search(r"\s+(?=[A-Za-z_]+=)", term)
    if found is not None:
        name, options = term[: found.start()], term[found.end() :]
    try:
        words = [word.partition("=") for word in shlex.split(options)]
    except ValueError as e:
        raise PluginError(f"{options!r} cannot be read as options: {e}") from e
    if any(not equals for _, equals, _ in words) or (found is None and " " in term and "=" in term):
        raise PluginError("Unrecognized value after key=value parameters given to password lookup")
    given = {key: value for key, _, value in words}
    unknown = [key for key in given if key not in _PASSWORD_OPTIONS]
    if unknown:
        raise PluginError(f"Unrecognized parameter(s) given to password lookup: {', '.join(unknown)}")
    return name, given


def _alphabet(kinds: Any) -> str:
    """Sets of characters by Python's names for them, others as they are, without quotes; `,,` in a text is a comma."""
    if isinstance(kinds, str):
        kinds = [*([","] if ",," in kinds else []), *(kind for kind in kinds.replace(",,", ",").split(",") if kind)]
    found = "".join(str(getattr(string, kind, kind)) for kind in kinds)
    return found.replace('"', "").replace("'", "")


def _kept_password(path: Path, length: int, alphabet: str, encrypt: str | None, seed: Any, ident: Any) -> str:
    keep = str(path) != "/dev/null"
    text = _read(path).strip() if keep and path.exists() else ""
    plain, _, salt = text.partition(" salt=")
    fresh = not plain
    if fresh:
        source: random.Random = random.SystemRandom() if seed is None else random.Random(seed)
        plain = "".join(source.choice(alphabet) for _ in range(length))
    if encrypt and not salt:
        salt = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(22 if encrypt == "bcrypt" else 16))
        fresh = True
    if keep and fresh:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(plain + (f" salt={salt}" if salt else "") + "\n")
    return password_hash(plain, encrypt, salt, ident=ident) if encrypt else plain


def _words(terms: Terms, options: Options) -> tuple[list[str], Options]:
    """Terms of the form `key option=value …` as keys and options."""
    names: list[str] = []
    merged = dict(options)
    for term in terms:
        if "=" not in str(term):
            names.append(str(term).strip())
            continue
        words, given = words_of(str(term))
        merged.update(given)
        names.append(" ".join(words))
    return names, merged


_INI_OPTIONS = frozenset(
    {"allow_no_value", "allow_none", "case_sensitive", "default", "encoding", "file", "interpolation", "re", "section", "type"}
)


def ini(call: Call, terms: Terms, options: Options) -> list[Any]:
    result: list[Any] = []
    names, options = _words(terms, options)
    unknown = next((name for name in options if name not in _INI_OPTIONS), None)
    if unknown is not None:
        raise PluginError(f"{unknown!r} is not a valid option.")
    path = call.find_or_fail(str(options.get("file", "ansible.ini")))
    section = options.get("section", "global")
    parser = configparser.ConfigParser(
        interpolation=configparser.BasicInterpolation() if to_bool(options.get("interpolation", True)) else None,
        allow_no_value=bool(to_bool(options.get("allow_no_value", options.get("allow_none", False)))),
    )
    if to_bool(options.get("case_sensitive", False)):
        parser.optionxform = str  # type: ignore[assignment,method-assign]
    text = call.read(path).decode(str(options.get("encoding", "utf-8")), errors="surrogateescape")
    try:
        parser.read_string("[java_properties]\n" + text if options.get("type") == "properties" else text)
    except configparser.DuplicateOptionError as e:
        raise PluginError(f"Duplicate option in {options.get('file', 'ansible.ini')!r}.") from e
    except configparser.Error as e:
        raise PluginError(f"{path}: {e}") from e
    if options.get("type") == "properties":
        section = "java_properties"
    if not parser.has_section(section) and section != parser.default_section:
        raise PluginError(f"No section {section!r} in {options.get('file', 'ansible.ini')!r}.")
    for term in names:
        if to_bool(options.get("re", False)):
            result.extend(value for key, value in parser.items(section) if re.match(term, key))
            continue
        found = parser.get(section, term) if parser.has_option(section, term) else options.get("default", "")
        result.extend(found if isinstance(found, list) else [] if found is None else [found])
    return result


def csvfile(call: Call, terms: Terms, options: Options) -> list[Any]:
    names, options = _words(terms, options)
    delimiter = {"TAB": "\t", "\\t": "\t"}.get(str(options.get("delimiter", "TAB")), options.get("delimiter", "\t"))
    if not names or not all(names):
        raise PluginError("Search key is required but was not found")
    table = list(csv.reader(StringIO(_read(call.find_or_fail(str(options.get("file", "ansible.csv"))))), delimiter=str(delimiter)))
    key, column = int(options.get("keycol", 0)), int(options.get("col", 1))
    result: list[Any] = []
    for wanted in names:
        try:
            found = next((row[column] for row in table if row and row[key] == wanted), options.get("default"))
        except IndexError as e:
            raise PluginError(str(e)) from e
        result.extend(found if isinstance(found, list) else [] if found is None else [found])
    return result


# Options of `url` (ansible.builtin.url) and the variables that may say them instead; None: the option alone.
_URL_FLAGS = {
    "force": "ansible_lookup_url_force",
    "use_proxy": None,
    "validate_certs": None,
    "force_basic_auth": "ansible_lookup_url_force_basic_auth",
    "use_gssapi": "ansible_lookup_url_use_gssapi",
    "use_netrc": "ansible_lookup_url_use_netrc",
}
_URL_LISTS = {"unredirected_headers": "ansible_lookup_url_unredir_headers", "ciphers": "ansible_lookup_url_ciphers"}
_URL_TEXTS = {
    "username": None,
    "password": None,
    "http_agent": "ansible_lookup_url_agent",
    "unix_socket": "ansible_lookup_url_unix_socket",
    "ca_path": "ansible_lookup_url_ca_path",
}


def url(call: Call, terms: Terms, options: Options) -> list[Any]:
    import urllib.error  # 30 ms of start that most runs can spare

    from provisioner.agent import web
    from provisioner.agent.context import ModuleFailed

    def option(name: str, variable: str | None, default: Any = None) -> Any:
        if name in options:
            return options[name]
        return call.variable(variable) if variable is not None and variable in call.templar.scope else default

    args: dict[str, Any] = {"http_agent": "ansible-httpget"}
    for name, variable in _URL_TEXTS.items():
        if (text := option(name, variable)) is not None:
            args[{"username": "url_username", "password": "url_password"}.get(name, name)] = str(text)
    for name, variable in _URL_FLAGS.items():
        args[name] = to_bool(option(name, variable, name in ("use_proxy", "validate_certs", "use_netrc")))
    for name, variable in _URL_LISTS.items():
        listed = option(name, variable, [])
        args[name] = listed.split(",") if isinstance(listed, str) else list(listed)
    args["timeout"] = float(option("timeout", "ansible_lookup_url_timeout", 10))
    follow = str(option("follow_redirects", "ansible_lookup_url_follow_redirects", "urllib2"))
    result: list[Any] = []
    for term in map(str, terms):
        try:
            with web.opened(args, term, "GET", headers=options.get("headers"), follow=follow) as answer:
                text = answer.read().decode(errors="surrogateescape")
        except urllib.error.HTTPError as e:
            e.close()
            raise PluginError(f"Received HTTP error for {term}: {e}") from e
        except urllib.error.URLError as e:
            raise PluginError(f"Failed lookup url for {term}: {e}") from e
        except ValueError as e:
            raise PluginError(str(e)) from e
        except (OSError, ModuleFailed) as e:
            raise PluginError(f"Error connecting to {term}: {e}") from e
        result.extend(text.splitlines() if to_bool(options.get("split_lines", True)) else [text])
    return result


LOOKUPS: dict[str, Lookup] = {
    "file": file,
    "template": template,
    "env": env,
    "vars": variables,
    "varnames": varnames,
    "pipe": pipe,
    "lines": lines,
    "unvault": unvault,
    "password": password,
    "ini": ini,
    "csvfile": csvfile,
    "url": url,
}
