"""LookupBase for people's own lookups."""

from typing import Any, List


class LookupBase:
    """What own lookups inherit; `run(terms, variables, **options)` is theirs."""

    def __init__(self, loader: Any = None, templar: Any = None, **_: Any) -> None:
        self._loader, self._templar = loader, templar
        self._options = {}  # type: ignore[var-annotated]

    def set_options(self, var_options: Any = None, direct: Any = None) -> None:
        self._options = dict(direct or {})

    def get_option(self, option: str) -> Any:
        return self._options.get(option)

    @staticmethod
    def _flatten(terms: List[Any]) -> List[Any]:
        found: List[Any] = []
        for term in terms:
            found.extend(term if isinstance(term, (list, tuple)) else [term])
        return found
