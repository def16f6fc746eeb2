"""Writes images in the format of `docker save`: manifest.json, one configuration and one layer an image.

Every byte is determined by the input.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Debian's and Docker's names of the architectures that the lab's hosts have.
DOCKER_ARCHITECTURES = {"amd64": "amd64", "arm64": "arm64"}


@dataclass(frozen=True)
class File:
    """A regular file, or with `link` a symbolic link to it."""

    content: bytes = b""
    mode: int = 0o644
    link: str = ""


@dataclass(frozen=True)
class Image:
    """One layer of files by absolute path (folders are made as needed; a path that ends in `/` is an empty folder), and how it runs."""

    tags: Sequence[str]
    files: Mapping[str, File]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    architecture: str = "amd64"


def write_archive(image: Image, path: Path) -> str:
    """Write the archive atomically; returns the image's id (`sha256:…`), which is what `docker images` shows of it."""
    layer = _layer(image.files)
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(_config(image, digest), sort_keys=True, separators=(",", ":")).encode()
    config_digest = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{config_digest}.json", "RepoTags": list(image.tags), "Layers": [f"{digest}/layer.tar"]}]
    parts = {
        f"{config_digest}.json": config,
        f"{digest}/layer.tar": layer,
        "manifest.json": json.dumps(manifest, sort_keys=True).encode(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as archive:
        _add_folder(archive, digest)
        for name, data in sorted(parts.items()):
            _add_file(archive, name, File(data))
    temporary.replace(path)
    return f"sha256:{config_digest}"


def read_tags(path: Path) -> list[str]:
    """The names that `docker load` would give."""
    with tarfile.open(path) as archive:
        member = archive.extractfile("manifest.json")
        manifest = json.load(member) if member else []
    return [tag for image in manifest for tag in image["RepoTags"]]


def _config(image: Image, layer_digest: str) -> dict[str, object]:
    return {
        "architecture": DOCKER_ARCHITECTURES[image.architecture],
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "Entrypoint": list(image.entrypoint) or None,
            "Cmd": list(image.command) or None,
            "Env": [f"{name}={value}" for name, value in sorted(image.environment.items())],
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "provision"}],
    }


def _layer(files: Mapping[str, File]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        made: set[str] = set()
        for name, file in sorted(files.items()):
            parts = name.strip("/").split("/")
            folders = parts if name.endswith("/") else parts[:-1]
            for depth in range(1, len(folders) + 1):
                folder = "/".join(folders[:depth])
                if folder not in made:
                    made.add(folder)
                    _add_folder(archive, folder, 0o1777 if folder == "tmp" else 0o755)
            if not name.endswith("/"):
                _add_file(archive, "/".join(parts), file)
    return output.getvalue()


def _add_folder(archive: tarfile.TarFile, name: str, mode: int = 0o755) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry)


def _add_file(archive: tarfile.TarFile, name: str, file: File) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = file.mode
    if file.link:
        entry.type, entry.linkname = tarfile.SYMTYPE, file.link
        archive.addfile(entry)
    else:
        entry.size = len(file.content)
        archive.addfile(entry, io.BytesIO(file.content))
