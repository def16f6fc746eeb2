"""The list of a lookup's terms, for people's own plugins."""

from typing import Any, List


def listify_lookup_plugin_terms(terms: Any, templar: Any = None, loader: Any = None, fail_on_undefined: bool = True, **_: Any) -> List[Any]:
    found = templar.template(terms, fail_on_undefined=fail_on_undefined) if templar is not None else terms
    return list(found) if isinstance(found, (list, tuple, set)) else [found]
