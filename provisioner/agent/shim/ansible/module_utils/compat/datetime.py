"""Times in UTC that know it."""

import datetime

UTC = datetime.timezone.utc


def utcfromtimestamp(timestamp: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(timestamp, tz=UTC)


def utcnow() -> datetime.datetime:
    return datetime.datetime.now(tz=UTC)
