"""Reading image archives: names and ids as Docker will show them, and clear words for what is no archive."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from provisioner.cluster.errors import ClusterError
from provisioner.cluster.image_archives import read
from provisioner.images import Image, write_archive


def test_id_is_the_one_docker_shows(tmp_path: Path) -> None:
    path = tmp_path / "pause.tar"
    digest = write_archive(Image(tags=["pause:3", "pause:latest"], files={}), path)
    found = read(path)
    assert found.tags == ("pause:3", "pause:latest")
    assert found.lines == (f"pause:3 {digest}", f"pause:latest {digest}")


def manifest(path: Path, content: object) -> Path:
    with tarfile.open(path, "w") as tar:
        data = json.dumps(content).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return path


def test_problems_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="no such image archive"):
        read(tmp_path / "absent.tar")
    (tmp_path / "text.tar").write_text("hello")
    with pytest.raises(ClusterError, match=r"text.tar: not an image archive"):
        read(tmp_path / "text.tar")
    with pytest.raises(ClusterError, match="its images have no names"):
        read(manifest(tmp_path / "a.tar", [{"Config": "abc.json", "RepoTags": None}]))
