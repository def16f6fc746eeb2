"""Proves that archives are what `docker load` expects, and the same bytes for the same input."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from provisioner.images.archive import File, Image, read_tags, write_archive

IMAGE = Image(
    tags=("example/web:1", "example/web:2"),
    files={"/bin/tool": File(b"tool", 0o755), "/bin/alias": File(link="tool"), "/tmp/": File(), "/etc/a/b": File(b"b")},
    entrypoint=("/bin/tool",),
    command=("serve",),
    environment={"PATH": "/bin", "A": "1"},
)


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {m.name: (f.read() if (f := archive.extractfile(m)) else b"") for m in archive.getmembers()}


def test_hashes_lead_from_manifest_to_layer(tmp_path: Path) -> None:
    image_id = write_archive(IMAGE, tmp_path / "image.tar")
    parts = contents(tmp_path / "image.tar")
    (manifest,) = json.loads(parts["manifest.json"])
    assert manifest["RepoTags"] == ["example/web:1", "example/web:2"]
    config = parts[manifest["Config"]]
    assert image_id == f"sha256:{hashlib.sha256(config).hexdigest()}"
    described = json.loads(config)
    layer = parts[manifest["Layers"][0]]
    assert described["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert described["config"] == {"Entrypoint": ["/bin/tool"], "Cmd": ["serve"], "Env": ["A=1", "PATH=/bin"]}


def test_layer_holds_files_links_and_folders_in_order(tmp_path: Path) -> None:
    write_archive(IMAGE, tmp_path / "image.tar")
    parts = contents(tmp_path / "image.tar")
    (layer,) = [data for name, data in parts.items() if name.endswith("layer.tar")]
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        seen = {m.name: m for m in archive.getmembers()}
    assert list(seen) == ["bin", "bin/alias", "bin/tool", "etc", "etc/a", "etc/a/b", "tmp"]
    assert seen["bin/tool"].mode == 0o755
    assert seen["bin/alias"].issym() and seen["bin/alias"].linkname == "tool"
    assert seen["tmp"].mode == 0o1777
    assert {m.mtime for m in seen.values()} == {0}
    assert {(m.uid, m.gid) for m in seen.values()} == {(0, 0)}


def test_same_input_same_bytes(tmp_path: Path) -> None:
    write_archive(IMAGE, tmp_path / "one.tar")
    write_archive(
        Image(IMAGE.tags, dict(reversed(IMAGE.files.items())), IMAGE.entrypoint, IMAGE.command, IMAGE.environment), tmp_path / "two.tar"
    )
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    assert read_tags(tmp_path / "one.tar") == ["example/web:1", "example/web:2"]
