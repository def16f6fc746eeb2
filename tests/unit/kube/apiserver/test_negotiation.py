"""Proves in which form clients get their answers, and what is said to those that we can't serve."""

from __future__ import annotations

import pytest

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.negotiation import Form, accepted, partial_metadata, read_document, to_yaml

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
CASES = [
    (None, Form()),
    ("*/*", Form()),
    ("application/vnd.kubernetes.protobuf,application/json", Form()),
    ("application/json;q=0.1,application/yaml", Form("application/yaml")),
    (TABLE, Form("application/json", "Table", "v1")),
    ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", Form("application/json", "PartialObjectMetadataList", "v1")),
    ("application/json;as=Other;g=meta.k8s.io;v=v1,application/json", Form()),
]


@pytest.mark.parametrize(("header", "form"), CASES)
def test_accepted(header: str | None, form: Form) -> None:
    assert accepted(header) == form


@pytest.mark.parametrize("header", ["application/vnd.kubernetes.protobuf", "text/html", "application/json;q=0"])
def test_what_we_do_not_speak(header: str) -> None:
    with pytest.raises(StatusError) as caught:
        accepted(header)
    assert caught.value.code == 406


def test_bodies() -> None:
    assert read_document(b'{"a":1}', None, "Pod") == {"a": 1}
    assert read_document(b"a: 1", "application/yaml", "Pod") == {"a": 1}
    for body, media, code in ((b"{", "application/json", 400), (b"a: [", "application/yaml", 400), (b"x", "text/plain", 415)):
        with pytest.raises(StatusError) as caught:
            read_document(body, media, "Pod")
        assert caught.value.code == code


def test_yaml_can_not_make_objects() -> None:
    with pytest.raises(StatusError):
        read_document(b"!!python/object/apply:os.system [ls]", "application/yaml", "Pod")


def test_metadata_bytes_are_untouched() -> None:
    data = b'{"kind":"Pod","metadata":{"name":"x","odd":[1]},"spec":{}}'
    assert (
        partial_metadata(data, "v1") == b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"x","odd":[1]}}'
    )
    assert b"name: x" in to_yaml(data)
