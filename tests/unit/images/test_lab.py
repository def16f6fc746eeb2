"""Proves that the lab's images hold what clusters need of them, and are not written again when nothing changed."""

from __future__ import annotations

from pathlib import Path

from provisioner.images.archive import read_tags
from provisioner.images.lab import BUSYBOX_TAGS, PAUSE_TAG, applets, build, busybox_binary, busybox_image, pause_image


def test_archives_have_the_names_kubelets_ask_for_and_are_kept(tmp_path: Path) -> None:
    pause, busybox = build(tmp_path)
    assert read_tags(pause) == [PAUSE_TAG]
    assert read_tags(busybox) == list(BUSYBOX_TAGS)
    before = [(path.stat().st_ino, path.read_bytes()) for path in (pause, busybox)]
    assert build(tmp_path) == [pause, busybox]
    assert [(path.stat().st_ino, path.read_bytes()) for path in (pause, busybox)] == before


def test_damaged_archive_is_written_again(tmp_path: Path) -> None:
    pause, _ = build(tmp_path)
    whole = pause.read_bytes()
    pause.write_bytes(whole[:100])
    build(tmp_path)
    assert pause.read_bytes() == whole


def test_busybox_has_a_web_server_and_a_shell(tmp_path: Path) -> None:
    binary = busybox_binary(tmp_path)
    names = applets(binary)
    assert {"sh", "httpd", "wget", "nc", "nslookup", "sleep", "ip"} <= set(names)
    image = busybox_image(binary, "amd64")
    assert image.files["/bin/sh"].link == "busybox"
    assert image.files["/bin/busybox"].content == binary


def test_pause_elsewhere_than_on_x86_stands_on_busybox() -> None:
    image = pause_image("arm64", b"busybox")
    assert image.architecture == "arm64"
    assert image.files["/bin/sh"].content == b"busybox"
    assert image.entrypoint == ("/pause",)
