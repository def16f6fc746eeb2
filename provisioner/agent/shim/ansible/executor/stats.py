"""The recap's counts, as people's own callback plugins see them."""

from typing import Any, Dict, Mapping

_NAMES = {"dark": "unreachable"}


class AggregateStats:
    """Of each kind the hosts that have any, with how many."""

    def __init__(self, counts: Mapping[str, Mapping[str, int]], custom: Mapping[str, Any]) -> None:
        self._counts = {host: dict(found) for host, found in counts.items()}
        self.processed = dict.fromkeys(self._counts, 1)
        self.custom = dict(custom)

    def __getattr__(self, name: str) -> Dict[str, int]:
        kind = _NAMES.get(name, name)
        if kind not in ("ok", "changed", "failures", "unreachable", "skipped", "rescued", "ignored"):
            raise AttributeError(name)
        return {host: counts[kind] for host, counts in self._counts.items() if counts[kind]}

    def summarize(self, host: str) -> Dict[str, int]:
        none = dict.fromkeys(("ok", "failures", "unreachable", "changed", "skipped", "rescued", "ignored"), 0)
        return dict(self._counts.get(host, none))
