"""The classes that lists of packages are made with: a manager that is a program, or a library."""

from abc import ABCMeta, abstractmethod
from typing import Any, Dict, List

from ansible.module_utils.common.process import get_bin_path
from ansible.module_utils.common.sys_info import get_all_subclasses


def get_all_pkg_managers() -> Dict[str, Any]:
    return {cls.__name__.lower(): cls for cls in get_all_subclasses(PkgMgr) if cls not in (CLIMgr, LibMgr)}


class PkgMgr(metaclass=ABCMeta):
    @abstractmethod
    def is_available(self, handle_exceptions: bool = True) -> bool: ...

    @abstractmethod
    def list_installed(self) -> Any: ...

    @abstractmethod
    def get_package_details(self, package: Any) -> Dict[str, Any]: ...

    def get_packages(self) -> Dict[str, List[Dict[str, Any]]]:
        """By name, what is installed under it."""
        found: Dict[str, List[Dict[str, Any]]] = {}
        for package in self.list_installed():
            details = self.get_package_details(package)
            details.setdefault("source", type(self).__name__.lower())
            found.setdefault(details["name"], []).append(details)
        return found


class LibMgr(PkgMgr):
    LIB = ""

    def __init__(self) -> None:
        self._lib: Any = None

    def is_available(self, handle_exceptions: bool = True) -> bool:
        try:
            self._lib = __import__(self.LIB)
        except ImportError:
            return False
        return True


class CLIMgr(PkgMgr):
    CLI = ""

    def __init__(self) -> None:
        self._cli = ""

    def is_available(self, handle_exceptions: bool = True) -> bool:
        try:
            self._cli = get_bin_path(self.CLI)
        except ValueError:
            return False
        return True
