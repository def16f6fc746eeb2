"""What a bundle is made for: a Python and an architecture; and where the packages for it lie on this computer."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

Tell = Callable[[str], None]


@dataclass(frozen=True, order=True)
class Target:
    """`architecture` as `uname -m` says it."""

    python: tuple[int, int]
    architecture: str

    def __str__(self) -> str:
        return f"{self.version}-{self.architecture}"

    @property
    def version(self) -> str:
        return ".".join(map(str, self.python))

    @property
    def is_here(self) -> bool:
        """Whether this very Python makes its byte code and has its packages."""
        return self == HERE and sys.platform == "linux" and platform.libc_ver()[0] == "glibc"


HERE = Target(sys.version_info[:2], platform.machine())


@dataclass(frozen=True)
class Site:
    """Installed packages for a target: this Python's own (`folder` None), or those of one folder."""

    target: Target = HERE
    folder: Path | None = None

    def find(self, name: str) -> importlib.metadata.Distribution | None:
        if self.folder is None:
            found = importlib.metadata.distributions(name=name)
        else:
            found = importlib.metadata.distributions(name=name, path=[str(self.folder)])
        return next(iter(found), None)

    def needs(self, text: str) -> Requirement | None:
        """A line of `Requires-Dist`, when its marker holds for the target (PEP 508)."""
        requirement = Requirement(text)
        environment = {
            "implementation_name": "cpython",
            "implementation_version": f"{self.target.version}.0",
            "os_name": "posix",
            "platform_machine": self.target.architecture,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.target.version}.0",
            "python_version": self.target.version,
            "sys_platform": "linux",
            "extra": "",
        }
        return requirement if requirement.marker is None or requirement.marker.evaluate(environment) else None
