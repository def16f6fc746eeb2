"""Which users and groups an image has: what Docker finds out by itself only as long as nobody names the group.

With a group given (`runAsGroup`) Docker leaves the image's other groups of the user out, and without one it always takes them. A pod's
supplementalGroupsPolicy decides instead: Merge adds them, Strict does not.
"""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections import OrderedDict
from dataclasses import dataclass

from provisioner.kube.kubelet.runtime.docker import Docker

REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Users:
    """`primary` is the group's number by a user's name and number; `members` the numbers of groups by a member's name; `names` by number."""

    primary: dict[str, int]
    members: dict[str, tuple[int, ...]]
    names: dict[str, str]

    def group_of(self, user: str) -> int:
        """0 where the image doesn't know the user, as with every runtime."""
        return self.primary.get(user, 0)

    def groups_of(self, user: str) -> tuple[int, ...]:
        return self.members.get(self.names.get(user, user), ())


def parse(passwd: str, group: str) -> Users:
    """passwd(5) and group(5); lines that are neither are passed over."""
    primary: dict[str, int] = {}
    names: dict[str, str] = {}
    members: dict[str, tuple[int, ...]] = {}
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and fields[2].isdigit() and fields[3].isdigit():
            primary.setdefault(fields[0], int(fields[3]))
            primary.setdefault(fields[2], int(fields[3]))
            names.setdefault(fields[2], fields[0])
    for line in group.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and fields[2].isdigit():
            for member in filter(None, fields[3].strip().split(",")):
                members[member] = (*members.get(member, ()), int(fields[2]))
    return Users(primary, members, names)


class ImageUsers:
    """Looked up once for each image, by the files of a container that is never started."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self._known: OrderedDict[str, Users] = OrderedDict()
        self._lock = asyncio.Lock()

    async def of(self, image_id: str) -> Users:
        """Raises DockerError."""
        async with self._lock:
            if image_id not in self._known:
                async with self._docker.unstarted(image_id) as container:
                    passwd = await self._file(container, "/etc/passwd")
                    group = await self._file(container, "/etc/group")
                self._known[image_id] = parse(passwd, group)
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
            self._known.move_to_end(image_id)
            return self._known[image_id]

    async def _file(self, container: str, path: str) -> str:
        """ "" for a file that isn't there, or is none."""
        archive = await self._docker.archive(container, path)
        if not archive:
            return ""
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            first = tar.next()
            found = tar.extractfile(first) if first is not None and first.isfile() else None
            return found.read().decode(errors="replace") if found is not None else ""
