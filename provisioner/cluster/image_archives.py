"""What is inside an image archive of `docker save`: enough to tell whether a host has it already."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

from provisioner.cluster.errors import ClusterError


@dataclass(frozen=True)
class ImageArchive:
    """`lines` are `tag id`, as the images role asks Docker for them."""

    archive: Path
    tags: tuple[str, ...]
    lines: tuple[str, ...]

    def variables(self) -> dict[str, object]:
        return {"archive": str(self.archive), "tags": list(self.tags), "lines": list(self.lines)}


def read(path: Path) -> ImageArchive:
    """Raises ClusterError naming the file when it is no such archive."""
    try:
        with tarfile.open(path) as archive:
            member = archive.extractfile("manifest.json")
            manifest = json.load(member) if member else []
        tags: list[str] = []
        lines: list[str] = []
        for image in manifest:
            digest = Path(image["Config"]).name.removesuffix(".json")
            for tag in image.get("RepoTags") or ():
                tags.append(tag)
                lines.append(f"{tag} sha256:{digest}")
    except FileNotFoundError as e:
        raise ClusterError(f"{path}: no such image archive", hint="paths in cluster.images are relative to the inventory") from e
    except (tarfile.TarError, KeyError, TypeError, ValueError, OSError) as e:
        raise ClusterError(f"{path}: not an image archive: {e}", hint="make one with: docker save -o FILE IMAGE") from e
    if not lines:
        raise ClusterError(f"{path}: its images have no names", hint="save them by name, not by id: docker save -o FILE NAME:TAG")
    return ImageArchive(path, tuple(tags), tuple(lines))
