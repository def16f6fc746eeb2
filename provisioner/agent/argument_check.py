"""Arguments against their specification, options of options included: everything that is wrong, in the order and the words of AnsibleModule.

A level is checked as a whole before the levels inside it: what excludes what, what is required, types, choices, the other
rules. Whether an option counts as given is a matter of its key: null is a value. Defaults take part in all but exclusion.
"""

from typing import Any, Callable, Dict, Iterable, List, Tuple

Converter = Callable[[Any], Any]
RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
TRUE_WORDS = ("y", "yes", "on", "1", "true", "t")
FALSE_WORDS = ("n", "no", "off", "0", "false", "f")


class FallbackAbsent(Exception):
    """A fallback that has nothing to give."""


class Check:
    """`errors` are what is wrong; `converter` gives what turns a value into a type; names that begin with `private` are nobody's affair."""

    def __init__(self, converter: Callable[[Any], Converter], private: str = "_ansible_") -> None:
        self._converter, self._private = converter, private
        self.errors: List[str] = []
        self.told: List[Dict[str, Any]] = []
        """What is deprecated and was used: {msg, version, date, collection_name}."""
        self._unknown: List[Tuple[Tuple[str, ...], List[str], str]] = []

    def unknown(self) -> str:
        """Which arguments nobody knows, and which are known on the outermost of their levels; nothing if there are none."""
        if not self._unknown:
            return ""
        names = sorted({".".join((*where, name)) for where, found, _ in self._unknown for name in found})
        supported = min(self._unknown, key=lambda entry: len(entry[0]))[2]
        return "%s. Supported parameters include: %s." % (", ".join(names), supported)

    def level(self, spec: Dict[str, Any], given: Dict[str, Any], rules: Dict[str, Any], where: Tuple[str, ...] = ()) -> Dict[str, Any]:
        """The arguments of one level and all inside, converted, by every name they were given and their proper ones."""
        found = dict(given)
        _fall_back(spec, found)
        aliases = self._named(spec, found)
        self._foreign(spec, found, aliases, where)
        self._structures(spec, found)
        suffix = " found in " + " -> ".join(where) if where else ""
        groups = _groups(rules.get("mutually_exclusive"))
        excluded = ["|".join(group) for group in groups if sum(name in found for name in group) > 1]
        if excluded:
            self.errors.append("parameters are mutually exclusive: " + ", ".join(excluded) + suffix)
        for name, option in spec.items():
            if name not in found and option.get("default") is not None:
                found[name] = option["default"]
        missing = sorted(name for name, option in spec.items() if option.get("required") and name not in found)
        if missing:
            self.errors.append("missing required arguments: " + ", ".join(missing) + suffix)
        for name, option in spec.items():
            if name in found and (found[name] is not None or option.get("required") or option.get("default") is not None):
                self._convert(name, option, found, where)
        for name, option in spec.items():
            if name in found and isinstance(option.get("choices"), (list, tuple, set, frozenset)):
                self._choose(name, list(option["choices"]), found, suffix)
        for text in _broken(rules, found):
            self.errors.append(text + suffix)
        for name, option in spec.items():
            found.setdefault(name, None)
            self._inside(name, option, found, where)
        return found

    def _named(self, spec: Dict[str, Any], found: Dict[str, Any]) -> Dict[str, str]:
        """Gives what came by another name its proper one, and notes what is deprecated; returns the names by aliases."""
        aliases = {alias: name for name, option in spec.items() for alias in option.get("aliases") or ()}
        for alias, name in aliases.items():
            if alias in found:
                found[name] = found[alias]
        for name, option in spec.items():
            for old in option.get("deprecated_aliases") or ():
                if old["name"] in found:
                    self._deprecated("Alias '%s' is deprecated. See the module docs for more information" % old["name"], old)
            if name in found and (option.get("removed_in_version") or option.get("removed_at_date")):
                gone = {
                    "version": option.get("removed_in_version"),
                    "date": option.get("removed_at_date"),
                    "collection_name": option.get("removed_from_collection"),
                }
                self._deprecated("Param '%s' is deprecated. See the module docs for more information" % name, gone)
        return aliases

    def _deprecated(self, msg: str, when: Dict[str, Any]) -> None:
        self.told.append(dict({key: when.get(key) for key in ("version", "date", "collection_name")}, msg=msg))

    def _foreign(self, spec: Dict[str, Any], found: Dict[str, Any], aliases: Dict[str, str], where: Tuple[str, ...]) -> None:
        extra = [str(key) for key in found if key not in spec and key not in aliases and not str(key).startswith(self._private)]
        if extra:
            supported = ", ".join(sorted(name for name, option in spec.items() if option.get("listed", not name.startswith(self._private))))
            self._unknown.append((where, extra, supported + (" (%s)" % ", ".join(sorted(aliases)) if aliases else "")))

    def _structures(self, spec: Dict[str, Any], found: Dict[str, Any]) -> None:
        """Options of options must be such, before anything else is looked at."""
        for name, option in spec.items():
            value = found.get(name)
            if not option.get("options") or not value:
                continue
            for item in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(item, str):
                    try:
                        self._converter("dict")(item)
                    except (TypeError, ValueError) as error:
                        self.errors.append(str(error))
                elif not isinstance(item, dict):
                    text = "Value '%s' in the sub parameter field '%s' must be a %s, not '%s'"
                    self.errors.append(text % (item, name, option.get("type"), type(item).__name__))

    def _convert(self, name: str, option: Dict[str, Any], found: Dict[str, Any], where: Tuple[str, ...]) -> None:
        kind, value = option.get("type") or "str", found[name]
        called = getattr(kind, "__name__", kind)
        place = " found in '%s'" % " -> ".join(where) if where else ""
        try:
            found[name] = value = self._converter(kind)(value)
        except (TypeError, ValueError) as error:
            text = "argument '%s' is of type %s%s and we were unable to convert to %s: %s"
            self.errors.append(text % (name, type(value).__name__, place + "." if place else "", called, error))
            return
        elements = option.get("elements")
        if kind != "list" or not elements or not isinstance(value, list):
            return
        converter, made = self._converter(elements), []
        for item in value:
            try:
                made.append(converter(item))
            except (TypeError, ValueError) as error:
                text = "Elements value for option '%s'%s is of type %s and we were unable to convert to %s: %s"
                self.errors.append(text % (name, place, type(item).__name__, elements, error))
        found[name] = made

    def _choose(self, name: str, choices: List[Any], found: Dict[str, Any], suffix: str) -> None:
        value, shown = found[name], ", ".join(str(choice) for choice in choices)
        if isinstance(value, list):
            wrong = [str(item) for item in value if item not in choices]
            if wrong:
                text = "value of %s must be one or more of: %s. Got no match for: %s" % (name, shown, ", ".join(wrong))
                self.errors.append(text + suffix)
            return
        if value in choices:
            return
        # YAML reads yes as True: back to the word, where only one can be meant.
        words = {"True": (*TRUE_WORDS, True), "False": (*FALSE_WORDS, False)}.get(str(value), ())
        meant = [choice for choice in choices if choice in words]
        if len(meant) == 1:
            found[name] = meant[0]
        else:
            self.errors.append("value of %s must be one of: %s, got: %s" % (name, shown, value) + suffix)

    def _inside(self, name: str, option: Dict[str, Any], found: Dict[str, Any], where: Tuple[str, ...]) -> None:
        inner, kind = option.get("options"), option.get("type") or "str"
        if inner is None or not (kind == "dict" or (kind == "list" and option.get("elements") == "dict")):
            return
        if found[name] is None and option.get("apply_defaults"):
            found[name] = {}
        value = found[name]
        if value is None:
            return
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, dict) for item in items):
            self.errors.append("value of '%s' must be of type dict or list of dicts" % name)
            return
        made = [self.level(inner, item, option, (*where, name)) for item in items]
        found[name] = made if isinstance(value, list) else made[0]


def _groups(terms: Any) -> List[List[str]]:
    """Groups of names; a name alone is a group of one."""
    return [[group] if isinstance(group, str) else list(group) for group in terms or ()]


def _fall_back(spec: Dict[str, Any], found: Dict[str, Any]) -> None:
    for name, option in spec.items():
        if name in found or not option.get("fallback"):
            continue
        args, options = [], {}  # type: List[Any], Dict[str, Any]
        for part in option["fallback"][1:]:
            if isinstance(part, dict):
                options = part
            else:
                args = part
        try:
            found[name] = option["fallback"][0](*args, **options)
        except FallbackAbsent:
            pass


def _broken(rules: Dict[str, Any], found: Dict[str, Any]) -> Iterable[str]:
    """What of required_together, required_one_of, required_if and required_by these arguments break."""
    for group in _groups(rules.get("required_together")):
        if any(name in found for name in group) and not all(name in found for name in group):
            yield "parameters are required together: " + ", ".join(group)
            break
    for group in _groups(rules.get("required_one_of")):
        if not any(name in found for name in group):
            yield "one of the following is required: " + ", ".join(group)
            break
    for requirement in rules.get("required_if") or ():
        key, wanted, names = requirement[0], requirement[1], list(requirement[2])
        any_of = bool(len(requirement) > 3 and requirement[3])
        absent = [name for name in names if name not in found]
        if key in found and found[key] == wanted and (len(absent) == len(names) if any_of else absent):
            yield "%s is %s but %s of the following are missing: %s" % (key, wanted, "any" if any_of else "all", ", ".join(absent))
            break
    for key, needed in (rules.get("required_by") or {}).items():
        absent = [name for name in ([needed] if isinstance(needed, str) else needed) if found.get(name) is None]
        if found.get(key) is not None and absent:
            yield "missing parameter(s) required by '%s': %s" % (key, ", ".join(absent))
            break
