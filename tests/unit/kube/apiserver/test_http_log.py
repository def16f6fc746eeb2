"""Proves that what clients send wrong is no traceback in the log, and that our own errors still are."""

from __future__ import annotations

import logging

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from provisioner.kube.apiserver.http_log import http_log


@pytest.mark.parametrize(("level", "lines"), [(logging.INFO, []), (logging.DEBUG, ["Error handling request from 1.2.3.4: BadHttpMessage"])])
def test_bad_requests_are_brief(caplog: pytest.LogCaptureFixture, level: int, lines: list[str]) -> None:
    with caplog.at_level(level, logger="provisioner.kube.apiserver.http"):
        try:
            raise BadHttpMessage("sent: secret")
        except BadHttpMessage as error:
            http_log().error("Error handling request from %s", "1.2.3.4", exc_info=error)
    assert [record.getMessage() for record in caplog.records] == lines
    assert "secret" not in caplog.text and "Traceback" not in caplog.text


def test_our_own_errors_are_told_in_full(caplog: pytest.LogCaptureFixture) -> None:
    http_log().error("Unhandled exception", exc_info=ValueError("ours"))
    assert "ValueError: ours" in caplog.text
