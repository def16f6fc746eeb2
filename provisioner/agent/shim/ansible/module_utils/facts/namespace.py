"""Names of facts with or without a prefix."""


class FactNamespace:
    def __init__(self, namespace_name: str) -> None:
        self.namespace_name = namespace_name

    def transform(self, name: str) -> str:
        return name


class PrefixFactNamespace(FactNamespace):
    def __init__(self, namespace_name: str, prefix: str = "") -> None:
        super().__init__(namespace_name)
        self.prefix = prefix

    def transform(self, name: str) -> str:
        return self.prefix + name.replace("-", "_")
