"""Who we are here, and when: user, environment, date and time."""

import os
import pwd
import time
from datetime import datetime, timezone
from typing import Any, Dict


def user() -> Dict[str, Any]:
    number = os.geteuid()
    facts: Dict[str, Any] = {"user_id": str(number), "user_uid": number, "user_gid": os.getegid(), "user_gecos": ""}
    facts.update(user_dir=os.environ.get("HOME", "/"), user_shell="/bin/sh")
    try:
        entry = pwd.getpwuid(number)
        facts.update(user_id=entry.pw_name, user_gid=entry.pw_gid, user_gecos=entry.pw_gecos)
        facts.update(user_dir=entry.pw_dir, user_shell=entry.pw_shell)
    except KeyError:
        # A number without an entry, as containers have it.
        pass
    facts.update(real_user_id=os.getuid(), effective_user_id=os.geteuid(), real_group_id=os.getgid(), effective_group_id=os.getegid())
    return facts


def environment() -> Dict[str, Any]:
    return {"env": dict(os.environ)}


def date_time() -> Dict[str, Any]:
    return {"date_time": moment(time.time())}


def moment(seconds: float) -> Dict[str, str]:
    """A time in all the shapes that people ask for: those named iso8601 in UTC, the others in the host's zone."""
    local, zone = datetime.fromtimestamp(seconds), time.localtime(seconds)
    utc = datetime.fromtimestamp(seconds, timezone.utc)
    return {
        "year": local.strftime("%Y"),
        "month": local.strftime("%m"),
        "weekday": local.strftime("%A"),
        "weekday_number": local.strftime("%w"),
        "weeknumber": local.strftime("%W"),
        "day": local.strftime("%d"),
        "hour": local.strftime("%H"),
        "minute": local.strftime("%M"),
        "second": local.strftime("%S"),
        "epoch": str(int(seconds)),
        "epoch_int": str(int(seconds)),
        "date": local.strftime("%Y-%m-%d"),
        "time": local.strftime("%H:%M:%S"),
        "iso8601_micro": utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "iso8601": utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "iso8601_basic": local.strftime("%Y%m%dT%H%M%S%f"),
        "iso8601_basic_short": local.strftime("%Y%m%dT%H%M%S"),
        "tz": zone.tm_zone,
        "tz_dst": time.tzname[1],
        "tz_offset": time.strftime("%z", zone),
    }
