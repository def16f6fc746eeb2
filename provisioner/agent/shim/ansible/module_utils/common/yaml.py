"""PyYAML's names where it is installed; HAS_YAML tells."""

import importlib
from typing import Any

try:
    yaml: Any = importlib.import_module("yaml")

    HAS_YAML, HAS_LIBYAML = True, bool(getattr(yaml, "__with_libyaml__", False))
    SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    def yaml_load(stream: Any) -> Any:
        return yaml.safe_load(stream)

    yaml_load_all = yaml.safe_load_all

    def yaml_dump(data: Any, *args: Any, **options: Any) -> Any:
        return yaml.safe_dump(data, *args, **options)
except ImportError:
    HAS_YAML = HAS_LIBYAML = False
    SafeLoader = SafeDumper = None
