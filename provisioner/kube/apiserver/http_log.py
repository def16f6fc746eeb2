"""What the HTTP library says in the log: clients that send what is no HTTP get their 400, and the log one short line at debug level, since
anybody can make it grow."""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError


class _Brief(logging.Filter):
    """Bad requests without traceback and without what was sent; everything else as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        if not logging.getLogger(record.name).isEnabledFor(logging.DEBUG):
            return False
        record.exc_info, record.exc_text = None, None
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}", None
        return True


def http_log() -> logging.Logger:
    """The logger for `web.Server`."""
    log = logging.getLogger("provisioner.kube.apiserver.http")
    if not any(isinstance(known, _Brief) for known in log.filters):
        log.addFilter(_Brief())
    return log
