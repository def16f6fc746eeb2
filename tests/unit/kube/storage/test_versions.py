"""Proves that resourceVersions are unique and increasing, also inside one revision, and survive being stored."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.storage import versions

revisions = st.integers(1, 2**53)
places = st.integers(0, versions.GROUP - 1)


@given(revisions, places, revisions, places)
def test_versions_order_as_writes_do(a: int, i: int, b: int, j: int) -> None:
    assert (versions.version_of(a, i) < versions.version_of(b, j)) == ((a, i) < (b, j))


@given(revisions, places)
def test_version_keeps_its_revision_and_fits_64_bits(revision: int, place: int) -> None:
    version = versions.version_of(revision, place)
    assert versions.revision_of(version) == revision
    assert version <= versions.last_of(revision) < versions.version_of(revision + 1, 0) < 2**64


@given(st.binary().map(lambda tail: b"{" + tail), places)
def test_place_travels_with_the_value(body: bytes, place: int) -> None:
    assert versions.unpack(versions.pack(body, place)) == (body, place)


def test_a_group_has_places_enough() -> None:
    assert versions.GROUP <= versions.PLACES < ord("{")
