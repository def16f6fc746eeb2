"""Proves which options of a container's log are refused."""

from __future__ import annotations

import pytest

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.subresources.log_options import check_log_options


@pytest.mark.parametrize(
    "query", [{}, {"tailLines": "0", "limitBytes": "1", "sinceSeconds": "5"}, {"sinceTime": "2026-01-01T00:00:00Z"}, {"stream": "Stdout"}]
)
def test_what_may_be_asked(query: dict[str, str]) -> None:
    check_log_options(query, "p")


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({"tailLines": "x"}, 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ({"tailLines": "-1"}, 422, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ({"limitBytes": "0"}, 422, "limitBytes: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "0"}, 422, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        (
            {"sinceSeconds": "1", "sinceTime": "2026-01-01T00:00:00Z"},
            422,
            "[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
        ),
        ({"stream": "x"}, 422, 'stream: Unsupported value: "x": supported values: "All", "Stderr", "Stdout"'),
        (
            {"stream": "Stderr", "tailLines": "1"},
            422,
            "[]: Forbidden: `tailLines` and specific `stream` are mutually exclusive for now",
        ),
    ],
)
def test_what_is_refused(query: dict[str, str], code: int, message: str) -> None:
    with pytest.raises(StatusError) as refused:
        check_log_options(query, "p")
    said = message if code == 400 else f'PodLogOptions "p" is invalid: {message}'
    assert (refused.value.code, refused.value.message) == (code, said)
