"""Proves what can be proved of bootable images without building one: the boot sector's layout, names that follow the recipe, refusals."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from provisioner.images import bootable
from provisioner.images.bootable import Recipe, boot_sector
from provisioner.images.errors import ImageError
from provisioner.machines.errors import CommandError


def test_boot_sector_holds_the_code_one_bootable_partition_and_the_mark() -> None:
    sector = boot_sector(bytes(range(256)) * 2, 2048, 4096)
    assert len(sector) == 512
    assert sector[:440] == (bytes(range(256)) * 2)[:440]
    assert sector[440:446] == bytes(6)  # not the code's own end: there is no disk signature to keep
    flag, kind, start, sectors = sector[446], sector[450], *struct.unpack("<II", sector[454:462])
    assert (flag, kind, start, sectors) == (0x80, 0x83, 2048, 4096)
    assert sector[462:510] == bytes(48)
    assert sector[510:] == b"\x55\xaa"


def test_an_images_name_follows_from_what_it_is_made_of(tmp_path: Path) -> None:
    plain = Recipe("bookworm").path(tmp_path)
    assert plain == Recipe("bookworm").path(tmp_path)
    others = {Recipe("trixie"), Recipe("bookworm", ("docker.io",)), Recipe("bookworm", box=True)}
    assert plain not in {other.path(tmp_path) for other in others}
    assert len({other.path(tmp_path) for other in others}) == 3
    assert plain.name.startswith("bookworm-")
    assert plain.parent == tmp_path / "images"


def test_an_image_that_is_there_is_not_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe("bookworm")
    recipe.path(tmp_path).parent.mkdir()
    recipe.path(tmp_path).write_bytes(b"image")
    monkeypatch.setattr(bootable, "_build", lambda *a: pytest.fail("built"))
    assert bootable.ensure(recipe, "http://mirror.invalid", store=tmp_path) == recipe.path(tmp_path)


def test_an_unknown_suite_names_the_known_ones() -> None:
    with pytest.raises(ImageError, match="no recipe for suite 'bookwrm'; there are: bookworm, trixie"):
        bootable.check(Recipe("bookwrm"))


def test_other_architectures_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "uname", lambda: type("Uname", (), {"machine": "aarch64"}))
    with pytest.raises(ImageError, match=r"x86_64, and this computer is aarch64: give a cloud image"):
        bootable.check(Recipe("bookworm"))


def test_a_failed_build_leaves_nothing_but_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootable, "check", lambda recipe: None)

    def fail(argv: list[str], *, log: Path, **options: object) -> None:
        log.write_text("E: no such mirror")
        raise CommandError(argv, 1, "E: no such mirror")

    monkeypatch.setattr(bootable, "run", fail)
    recipe = Recipe("bookworm")
    with pytest.raises(ImageError, match=r"(?s)building the image of bookworm from http://mirror.invalid failed.*E: no such mirror"):
        bootable.ensure(recipe, "http://mirror.invalid", store=tmp_path)
    left = {path.name for path in (tmp_path / "images").iterdir()}
    assert left == {".lock", recipe.path(tmp_path).with_suffix(".log").name}
