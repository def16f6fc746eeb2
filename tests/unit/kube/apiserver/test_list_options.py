"""Proves which options of lists and watches go together, what age of a list they ask for, and what is said of those that don't."""

from __future__ import annotations

import pytest

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.list_options import Age, ListOptions, check_watch_options, list_options, too_new


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, ListOptions()),
        ({"limit": "5"}, ListOptions(5)),
        ({"resourceVersion": "0"}, ListOptions(age=Age.ANY)),
        ({"resourceVersion": "0", "resourceVersionMatch": "NotOlderThan", "limit": "2"}, ListOptions(age=Age.ANY)),
        ({"resourceVersion": "7"}, ListOptions(0, "", 7, Age.NOT_OLDER)),
        ({"resourceVersion": "7", "limit": "3"}, ListOptions(3, "", 7, Age.EXACT)),
        ({"resourceVersion": "7", "limit": "3", "resourceVersionMatch": "NotOlderThan"}, ListOptions(3, "", 7, Age.NOT_OLDER)),
        ({"resourceVersion": "7", "resourceVersionMatch": "Exact"}, ListOptions(0, "", 7, Age.EXACT)),
        ({"continue": "abc", "limit": "3"}, ListOptions(3, "abc")),
        ({"continue": "abc", "resourceVersion": "0"}, ListOptions(0, "abc")),
    ],
)
def test_the_age_that_is_asked_for(query: dict[str, str], wanted: ListOptions) -> None:
    assert list_options(query) == wanted


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ({"resourceVersionMatch": "Exact"}, 422, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422, '"exact" is forbidden for resourceVersion "0"'),
        ({"resourceVersionMatch": "Newest", "resourceVersion": "1"}, 422, 'supported values: "Exact", "NotOlderThan"'),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "1", "continue": "x"}, 422, "forbidden when continue is provided"),
        ({"sendInitialEvents": "true"}, 422, "sendInitialEvents is forbidden for list"),
        ({"continue": "x", "resourceVersion": "1"}, 400, "specifying resource version is not allowed when using continue"),
        (
            {"resourceVersion": "x1"},
            400,
            'invalid resource version: resourceVersion: Invalid value: "x1": strconv.ParseUint: parsing "x1": invalid syntax',
        ),
        ({"resourceVersion": "²"}, 400, "invalid syntax"),
        ({"resourceVersion": str(2**64)}, 400, "value out of range"),
        ({"limit": "many"}, 400, 'strconv.ParseInt: parsing "many": invalid syntax'),
    ],
)
def test_lists_that_nobody_can_give(query: dict[str, str], code: int, text: str) -> None:
    with pytest.raises(StatusError) as refused:
        list_options(query)
    assert refused.value.code == code and text in refused.value.message


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"sendInitialEvents": "true"}, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        ({"resourceVersionMatch": "NotOlderThan"}, "forbidden for watch unless sendInitialEvents is provided"),
        ({"sendInitialEvents": "true", "resourceVersionMatch": "Exact"}, 'supported values: "NotOlderThan"'),
    ],
)
def test_watches_that_nobody_can_give(query: dict[str, str], text: str) -> None:
    with pytest.raises(StatusError) as refused:
        check_watch_options(query)
    assert refused.value.code == 422 and text in refused.value.message
    check_watch_options({"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"})


def test_a_version_of_the_future_says_so_to_programs() -> None:
    status = too_new(9, 5).to_status()
    assert (status["code"], status["reason"], status["details"]["retryAfterSeconds"]) == (504, "Timeout", 1)
    assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
