"""What collectors of facts are made from, in people's own modules."""

from typing import Any, Dict, Optional, Sequence, Set


class BaseFactCollector:
    """`collect` gives facts by their plain names; `name` and `_fact_ids` say which."""

    _fact_ids: Set[str] = set()
    _platform = "Generic"
    name: Optional[str] = None
    required_facts: Set[str] = set()

    def __init__(self, collectors: Optional[Sequence[Any]] = None, namespace: Any = None) -> None:
        self.collectors = list(collectors or ())
        self.namespace = namespace
        self.fact_ids = {self.name, *self._fact_ids}

    @classmethod
    def platform_match(cls, platform_info: Dict[str, Any]) -> Any:
        return cls if platform_info.get("system") == cls._platform or cls._platform == "Generic" else None

    def collect(self, module: Any = None, collected_facts: Any = None) -> Dict[str, Any]:
        return {}

    def collect_with_namespace(self, module: Any = None, collected_facts: Any = None) -> Dict[str, Any]:
        found = self.collect(module, collected_facts)
        return {self.namespace.transform(key): value for key, value in found.items()} if self.namespace else found
