"""The store makes what is missing once, renews what must be, and changes nothing on a second run."""

from __future__ import annotations

import dataclasses
import datetime
import stat
from pathlib import Path

import pytest

from provisioner.pki.errors import PkiError
from provisioner.pki.profile import HostNames, Lifetimes, PkiPlan, leaves
from provisioner.pki.store import ensure, load_pair

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
MASTER = HostNames("master-1", ("10.0.0.11",))
PLAN = PkiPlan("lab", masters=(MASTER,), etcd=(MASTER,), nodes=(MASTER,))


def at(days: int) -> datetime.datetime:
    return NOW + datetime.timedelta(days=days)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    directory = tmp_path / "pki"
    ensure(directory, PLAN, now=lambda: NOW)
    return directory


def snapshot(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_first_run_makes_everything_and_keeps_keys_private(made: Path) -> None:
    for leaf in leaves(PLAN):
        assert load_pair(made, leaf.path) is not None
    for path in made.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert mode & 0o077 == 0
        elif path.suffix == ".key":
            assert mode == 0o600


def test_second_run_changes_nothing(made: Path) -> None:
    before = snapshot(made)
    assert ensure(made, PLAN, now=lambda: at(30)) == []
    assert snapshot(made) == before


def test_check_says_what_would_change_and_writes_nothing(tmp_path: Path) -> None:
    changes = ensure(tmp_path / "pki", PLAN, now=lambda: NOW, check=True)
    assert len(changes) == len(leaves(PLAN)) + 4
    assert not (tmp_path / "pki").exists()


def test_leaves_are_renewed_near_their_end_and_authorities_stay(made: Path) -> None:
    before = snapshot(made)
    changes = ensure(made, PLAN, now=lambda: at(300))
    assert {c.path for c in changes} == {leaf.path for leaf in leaves(PLAN)}
    assert changes[0].reason == "65 days left"
    assert snapshot(made)["ca.crt"] == before["ca.crt"]
    assert ensure(made, PLAN, now=lambda: at(301)) == []


def test_short_lifetimes_do_not_renew_on_every_run(tmp_path: Path) -> None:
    plan = dataclasses.replace(PLAN, lifetimes=Lifetimes(leaf_days=30))
    ensure(tmp_path, plan, now=lambda: NOW)
    assert ensure(tmp_path, plan, now=lambda: at(10)) == []
    assert ensure(tmp_path, plan, now=lambda: at(16)) != []


def test_new_master_reissues_what_names_it_and_nothing_else(made: Path) -> None:
    second = HostNames("master-2", ("10.0.0.12",))
    changes = ensure(made, dataclasses.replace(PLAN, masters=(MASTER, second)), now=lambda: NOW)
    old = {c.path: c.reason for c in changes if "master-2/" not in c.path}
    assert old == {"hosts/master-1/apiserver": "lacks 10.0.0.12, master-2"}


def test_half_written_pair_is_made_again(made: Path) -> None:
    (made / "admin.crt").unlink()
    (made / "hosts/master-1/kubelet.key").write_text("not a key")
    assert {c.path for c in ensure(made, PLAN, now=lambda: NOW)} == {"admin", "hosts/master-1/kubelet"}


def test_expired_authority_is_an_error_that_says_so(made: Path) -> None:
    with pytest.raises(PkiError, match=r"ca.crt: the authority expired on 2035-12-30"):
        ensure(made, PLAN, now=lambda: at(4000))


def test_damaged_authority_is_never_replaced_silently(made: Path) -> None:
    (made / "ca.crt").write_text("damaged")
    with pytest.raises(PkiError, match="can't be read"):
        ensure(made, PLAN, now=lambda: NOW)


def test_certificates_of_one_day_are_renewed_before_they_end(tmp_path: Path) -> None:
    plan = dataclasses.replace(PLAN, lifetimes=Lifetimes(leaf_days=1))
    ensure(tmp_path, plan, now=lambda: NOW)
    assert ensure(tmp_path, plan, now=lambda: NOW + datetime.timedelta(hours=6)) == []
    assert ensure(tmp_path, plan, now=lambda: NOW + datetime.timedelta(hours=14)) != []
