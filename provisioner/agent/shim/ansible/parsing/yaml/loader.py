"""How plugins read YAML; they run beside the engine, never on a host."""

from typing import Any

from provisioner.inventory.documents import Loader


class AnsibleLoader(Loader):
    """Reads as files of variables are read; encrypted values stay closed."""

    def __init__(self, stream: Any, file_name: Any = None, vault_secrets: Any = None) -> None:
        super().__init__(stream)
        self.file = str(file_name or getattr(stream, "name", "<unicode string>"))
        self.duplicates = []
