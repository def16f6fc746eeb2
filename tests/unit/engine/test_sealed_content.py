"""Proves what a vault does to a run that no secret opens: exit code 1 where the run can't begin, else its task fails on its host."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.errors import PlaybookError
from provisioner.templating.vault import VaultSecrets
from tests.unit.engine.fakes import play

SEALED = VaultSecrets({"default": b"theirs"}).encrypt(b"- debug: msg=hi\n").decode()
OURS = VaultSecrets({"default": b"ours"})


@pytest.mark.parametrize("vault", [None, OURS])
@pytest.mark.parametrize("part", ["vars_files: [sealed.yml]", "tasks: [{import_tasks: sealed.yml}]"])
def test_a_run_that_can_not_begin(tmp_path: Path, part: str, vault: VaultSecrets | None) -> None:
    with pytest.raises(PlaybookError) as refused:
        play(tmp_path, f"- hosts: all\n  gather_facts: false\n  {part}\n", files={"sealed.yml": SEALED}, vault=vault)
    assert refused.value.exit_code == 1 and "sealed.yml:1:1" in str(refused.value)


def test_a_task_that_includes_one(tmp_path: Path) -> None:
    text = "- hosts: all\n  gather_facts: false\n  tasks: [{include_tasks: sealed.yml}, {debug: msg=never}]\n"
    done = play(tmp_path, text, files={"sealed.yml": SEALED}, vault=OURS)
    assert done.result.exit_code == 2
    text = text.replace("[{include", "[{block: [{include").replace("}, {debug", "}], rescue: [{debug: msg=rescued}]}, {debug")
    assert play(tmp_path, text, files={"sealed.yml": SEALED}, vault=OURS).result.exit_code == 0
