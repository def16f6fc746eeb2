"""Proves that fields are read as RFC 7541's own examples have them, plain and squeezed, and that nothing cut off is an error."""

from __future__ import annotations

import pytest

from provisioner.kube.kubelet.pod.header_block import spelled_out

# The RFC's C.2.1, C.2.2 (a name of the table), C.2.3, C.2.4 (a field of the table), C.4.3.
EXAMPLES = [
    ("400a637573746f6d2d6b65790d637573746f6d2d686561646572", {b"custom-key": b"custom-header"}),
    ("040c2f73616d706c652f70617468", {}),
    ("100870617373776f726406736563726574", {b"password": b"secret"}),
    ("82", {}),
    ("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", {b"custom-key": b"custom-value"}),
    ("3fe11f100870617373776f726406736563726574", {b"password": b"secret"}),
    ("3f", {}),
    ("400a6375", {}),
    ("", {}),
]


@pytest.mark.parametrize(("block", "fields"), EXAMPLES)
def test_fields(block: str, fields: dict[bytes, bytes]) -> None:
    assert spelled_out(bytes.fromhex(block)) == fields
