"""Proves timestamps both ways, owners and conditions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.api import meta
from provisioner.kube.api._generated import apps_v1, core_v1, meta_v1


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))
def test_times_survive_being_written(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert meta.parse_time(meta.rfc3339_micro(aware)) == aware
    assert meta.parse_time(meta.rfc3339(aware)) == aware.replace(microsecond=0)


def test_other_zones_become_utc() -> None:
    assert meta.rfc3339(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-01T00:00:00Z"
    assert meta.parse_time("") is None
    assert meta.parse_time(None) is None


def test_owners() -> None:
    owner = apps_v1.ReplicaSet(metadata=meta_v1.ObjectMeta(name="r", uid="u"))
    reference = meta.owner_reference(owner)
    assert (reference.api_version, reference.kind, reference.name, reference.uid) == ("apps/v1", "ReplicaSet", "r", "u")
    pod = core_v1.Pod(metadata=meta_v1.ObjectMeta(owner_references=[meta.owner_reference(owner, controller=False), reference]))
    assert meta.controller_of(pod) is reference
    assert meta.controller_of(core_v1.Pod()) is None


def test_conditions() -> None:
    ready = core_v1.PodCondition(type="Ready", status="True")
    assert meta.condition([core_v1.PodCondition(type="X"), ready], "Ready") is ready
    assert meta.condition(None, "Ready") is None


def test_of_equal_owners_one_stays() -> None:
    first, other = meta_v1.OwnerReference(uid="1", name="a"), meta_v1.OwnerReference(uid="1", name="b")
    metadata = meta_v1.ObjectMeta(owner_references=[first, other, meta_v1.OwnerReference(uid="1", name="a")])
    assert meta.drop_doubled_owners(metadata) == ["1"] and metadata.owner_references == [first, other]
    assert meta.drop_doubled_owners(metadata) == [] and meta.drop_doubled_owners(meta_v1.ObjectMeta()) == []
