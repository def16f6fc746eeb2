"""Proves how a write is refused that expected another object."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated import apps_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.preconditions import check_deletion, check_version, mismatch
from provisioner.kube.apiserver.registry import Registry

METADATA = meta_v1.ObjectMeta(name="d", namespace="ns", uid="u1", resource_version="7")


@pytest.mark.parametrize(
    ("wanted", "detail"),
    [
        ({"uid": "u1", "resource_version": "7"}, ""),
        (
            {"uid": "u2"},
            "the UID in the precondition (u2) does not match the UID in record (u1). The object might have been deleted and then recreated",
        ),
        (
            {"resource_version": "6"},
            "the ResourceVersion in the precondition (6) does not match the ResourceVersion in record (7). The object might have been modified",
        ),
    ],
)
def test_deletions(wanted: dict[str, str], detail: str) -> None:
    kind = Registry().find("apps", "v1", "deployments")
    assert kind is not None
    options = meta_v1.DeleteOptions(preconditions=meta_v1.Preconditions(**wanted))
    if not detail:
        check_deletion(kind, METADATA, options)
        return
    with pytest.raises(StatusError) as refused:
        check_deletion(kind, METADATA, options)
    assert refused.value.message == f'Operation cannot be fulfilled on Deployment.apps "d": {detail}'
    assert refused.value.details == {"name": "d", "group": "apps", "kind": "Deployment"}


def test_updates() -> None:
    error = mismatch("deployments", apps_v1.Deployment(metadata=METADATA), "UID", "u2", "apps")
    assert error.code == 409 and error.message == (
        'Operation cannot be fulfilled on deployments.apps "d": StorageError: invalid object, Code: 4, Key: /registry/deployments/ns/d, '
        "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: u2, UID in object meta: u1"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, ""),
        ("12", ""),
        ("abc", 'strconv.ParseUint: parsing "abc": invalid syntax'),
        ("-1", 'strconv.ParseUint: parsing "-1": invalid syntax'),
        ("18446744073709551616", 'strconv.ParseUint: parsing "18446744073709551616": value out of range'),
    ],
)
def test_versions_are_numbers(text: str | None, told: str) -> None:
    if not told:
        check_version(text)
        return
    with pytest.raises(StatusError) as refused:
        check_version(text)
    assert (refused.value.code, refused.value.reason, refused.value.message) == (500, "", told)
