"""Proves which groups an image's users are in, and that an image is looked at once."""

from __future__ import annotations

import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from provisioner.kube.kubelet.runtime.image_users import ImageUsers, parse

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\nbroken\nlater:x:1000:9::/:\n"
GROUP = "root:x:0:\nfirst:x:50:app,later\nsecond:x:60:app\nodd\n"


def test_users_by_name_and_number() -> None:
    users = parse(PASSWD, GROUP)
    assert [users.group_of(user) for user in ("root", "app", "1000", "later", "77")] == [0, 1001, 1001, 9, 0]
    assert [users.groups_of(user) for user in ("app", "1000", "later", "77")] == [(50, 60), (50, 60), (50,), ()]


class Docker:
    """One image, whose /etc/group is a link."""

    def __init__(self) -> None:
        self.made = self.open = 0

    @asynccontextmanager
    async def unstarted(self, image_id: str) -> AsyncIterator[str]:
        self.made, self.open = self.made + 1, self.open + 1
        try:
            yield image_id
        finally:
            self.open -= 1

    async def archive(self, _: str, path: str) -> bytes:
        if path == "/etc/passwd":
            return b""
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as tar:
            info = tarfile.TarInfo("group")
            info.type, info.linkname = tarfile.SYMTYPE, "/usr/etc/group"
            tar.addfile(info)
        return made.getvalue()


async def test_files_that_are_none_hold_nobody() -> None:
    docker = Docker()
    users = ImageUsers(docker)  # type: ignore[arg-type]  # our face of it
    for image in ("one", "one", "two"):
        assert await users.of(image) == parse("", "")
    assert (docker.made, docker.open) == (2, 0)
