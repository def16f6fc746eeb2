"""Lookups that read: files, templates, environment, variables, commands, passwords, tables, addresses on the web."""

from __future__ import annotations

import configparser
import csv
import os
import random
import re
import secrets
import string
import subprocess
import urllib.error
import urllib.request
from io import StringIO
from pathlib import Path
from typing import Any

from provisioner.templating.errors import PluginError, UndefinedVariable
from provisioner.templating.filters.digests import password_hash
from provisioner.templating.filters.text import to_bool
from provisioner.templating.lookups.call import Call, Lookup, Options, Terms
from provisioner.templating.undefined import Undefined, did_you_mean

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


def template(call: Call, terms: Terms, options: Options) -> list[Any]:
    result = []
    for term in terms:
        path = call.find(str(term), "templates")
        if path is None:
            raise PluginError(f"the template file {term} could not be found for the lookup")
        local = dict(options.get("template_vars", {}))
        chosen = {key: options[key] for key in ("variable_start_string", "variable_end_string") if key in options}
        search = (path.parent, *call.templar.search)
        result.append(call.templar.render_file(path.name, search=search, local=local, **chosen))
    return result


def env(call: Call, terms: Terms, options: Options) -> list[Any]:
    default = options.get("default", "")
    for term in terms:
        if isinstance(default, Undefined) and str(term) not in os.environ:
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
            raise UndefinedVariable(f"No variable named '{term}' was found.{did_you_mean(term, call.templar.scope).lstrip('.')}")
    return result


def varnames(call: Call, terms: Terms, options: Options) -> list[Any]:
    names = [name for name in call.templar.scope if not name.startswith("__")]
    for term in terms:
        if not isinstance(term, str):
            raise PluginError(f'Invalid setting identifier, "{term}" is not a string, it is a {type(term)}')
    return [name for term in terms for name in names if re.search(str(term), name)]


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
    return [call.read(call.find_or_fail(str(term))).decode(errors="surrogateescape") for term in terms]


_CHARACTERS = {
    "ascii_letters": string.ascii_letters,
    "ascii_lowercase": string.ascii_lowercase,
    "ascii_uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "hexdigits": string.hexdigits,
    "punctuation": string.punctuation.replace('"', "").replace("'", ""),
}


def password(call: Call, terms: Terms, options: Options) -> list[Any]:
    """A random password kept in a file (mode 0600), made when it is not there yet."""
    result = []
    for term in terms:
        words = str(term).split()
        chosen = {**dict(word.partition("=")[::2] for word in words[1:]), **options}
        length = int(chosen.get("length", 20))
        kinds = chosen.get("chars", ["ascii_letters", "digits", ".,:-_"])
        alphabet = "".join(_CHARACTERS.get(kind, kind) for kind in (kinds.split(",") if isinstance(kinds, str) else kinds))
        made = _kept_password(Path(words[0]).expanduser(), length, alphabet, chosen.get("encrypt"), chosen.get("seed"), chosen.get("ident"))
        result.append(made)
    return result


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
        words = str(term).split()
        merged.update(word.partition("=")[::2] for word in words if "=" in word)
        names.append(" ".join(word for word in words if "=" not in word))
    return names, merged


def ini(call: Call, terms: Terms, options: Options) -> list[Any]:
    result: list[Any] = []
    names, options = _words(terms, options)
    path = call.find_or_fail(str(options.get("file", "ansible.ini")))
    section = options.get("section", "global")
    parser = configparser.ConfigParser(interpolation=None, allow_no_value=bool(options.get("allow_no_value", False)))
    if to_bool(options.get("case_sensitive", False)):
        parser.optionxform = str  # type: ignore[assignment,method-assign]
    text = _read(path)
    try:
        parser.read_string("[java_properties]\n" + text if options.get("type") == "properties" else text)
    except configparser.Error as e:
        raise PluginError(f"{path}: {e}") from e
    if options.get("type") == "properties":
        section = "java_properties"
    for term in names:
        if to_bool(options.get("re", False)):
            result.extend(value for key, value in parser.items(section) if re.match(term, key))
        else:
            result.append(parser.get(section, term, fallback=options.get("default", "")))
    return result


def csvfile(call: Call, terms: Terms, options: Options) -> list[Any]:
    names, options = _words(terms, options)
    delimiter = {"TAB": "\t", "\\t": "\t"}.get(str(options.get("delimiter", "TAB")), options.get("delimiter", "\t"))
    table = list(csv.reader(StringIO(_read(call.find_or_fail(str(options.get("file", "ansible.csv"))))), delimiter=str(delimiter)))
    key, column = int(options.get("keycol", 0)), int(options.get("col", 1))
    result = []
    for wanted in names:
        found = [row[column] for row in table if len(row) > max(key, column) and row[key] == wanted]
        if found:
            result.append(found[0])
        elif options.get("default") is not None:
            result.append(options["default"])
    return result


def url(call: Call, terms: Terms, options: Options) -> list[Any]:
    result: list[Any] = []
    for term in terms:
        request = urllib.request.Request(str(term), headers=dict(options.get("headers", {})))
        try:
            with urllib.request.urlopen(request, timeout=float(options.get("timeout", 10))) as answer:
                text = answer.read().decode(errors="surrogateescape")
        except (urllib.error.URLError, OSError) as e:
            raise PluginError(
                f"{'Received HTTP error' if isinstance(e, urllib.error.HTTPError) else 'Failed lookup url'} for {term}: {e}"
            ) from e
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
