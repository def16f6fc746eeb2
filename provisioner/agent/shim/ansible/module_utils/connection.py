"""Persistent connections of network appliances, which do not exist here: a module that opens one is told so."""

from typing import Any


class ConnectionError(Exception):
    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message)
        self.__dict__.update(more)


class Connection:
    def __init__(self, socket_path: Any) -> None:
        raise ConnectionError(
            "connections of the kinds network_cli, netconf and httpapi are not supported; hosts are reached by ssh or local"
        )
