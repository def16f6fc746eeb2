"""The options of lists and watches (meta.k8s.io ListOptions): what may be asked together, and how old an answer may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError, forbidden_field, invalid_value, not_supported
from provisioner.kube.apiserver.requests import flag, whole

NOT_OLDER, EXACT = "NotOlderThan", "Exact"


class Age(Enum):
    """How old what is listed may be: as new as can be, anything, not older than a version, or that version's own state."""

    LATEST = "latest"
    ANY = "any"
    NOT_OLDER = "not older"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class ListOptions:
    limit: int = 0
    continue_: str = ""
    version: int = 0
    age: Age = Age.LATEST


def list_options(query: Mapping[str, str]) -> ListOptions:
    """Of a list or a deletecollection. Raises 400, 422."""
    _check(_of_list(query))
    whole(query, "timeoutSeconds")
    limit, token = whole(query, "limit") or 0, query.get("continue", "")
    wanted, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    if token:
        if wanted not in ("", "0"):
            raise errors.bad_request("specifying resource version is not allowed when using continue")
        return ListOptions(limit, token)
    version = version_number(wanted)
    if version is None:
        return ListOptions(limit)
    if version == 0:
        # Any state will do: upstream's cache gives all of what it has.
        return ListOptions(age=Age.ANY)
    # Without a match a page of a version is of that version (the API's conventions), a whole list only not older.
    exact = match == EXACT or (not match and limit > 0)
    return ListOptions(limit, "", version, Age.EXACT if exact else Age.NOT_OLDER)


def check_watch_options(query: Mapping[str, str]) -> None:
    """Raises 422."""
    _check(_of_watch(query))


def version_number(text: str | None) -> int | None:
    """A resourceVersion in a query; None where there is none. Raises 400."""
    if not text:
        return None
    if wrong := version_error(text):
        raise errors.bad_request(f"invalid resource version: {wrong}")
    return int(text)


def version_error(text: str) -> FieldError | None:
    """What is wrong with a resourceVersion in a query."""
    wrong = number_error(text)
    return invalid_value("resourceVersion", text, wrong) if wrong else None


def number_error(text: str) -> str:
    """What is wrong with a number, or ""; Go's parser knows digits alone, of 64 bits."""
    if text.isascii() and text.isdigit() and int(text) < 2**64:
        return ""
    why = "value out of range" if text.isascii() and text.isdigit() else "invalid syntax"
    return f"strconv.ParseUint: parsing {errors.shown(text)}: {why}"


def too_new(wanted: int, present: int) -> errors.StatusError:
    """504 for a version that nobody has written yet; clients know it by its cause."""
    error = errors.timeout(f"Timeout: Too large resource version: {wanted}, current: {present}", 1)
    error.details["causes"] = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    return error


def _check(found: list[FieldError]) -> None:
    if found:
        raise errors.invalid("ListOptions", "", found, "meta.k8s.io")


def _of_list(query: Mapping[str, str]) -> list[FieldError]:
    found = []
    match = query.get("resourceVersionMatch", "")
    if match:
        if not query.get("resourceVersion"):
            found.append(_match_forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"))
        if query.get("continue"):
            found.append(_match_forbidden("resourceVersionMatch is forbidden when continue is provided"))
        if match not in (EXACT, NOT_OLDER):
            found.append(not_supported("resourceVersionMatch", match, (EXACT, NOT_OLDER, "")))
        if match == EXACT and query.get("resourceVersion") == "0":
            found.append(_match_forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    if "sendInitialEvents" in query:
        found.append(forbidden_field("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return found


def _of_watch(query: Mapping[str, str]) -> list[FieldError]:
    found = []
    match, sends = query.get("resourceVersionMatch", ""), "sendInitialEvents" in query
    if sends:
        flag(query, "sendInitialEvents")
        if match != NOT_OLDER:
            found.append(_match_forbidden(f"sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER}"))
    if match:
        if not sends:
            found.append(_match_forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"))
        if match != NOT_OLDER:
            found.append(not_supported("resourceVersionMatch", match, (NOT_OLDER,)))
        if query.get("continue"):
            found.append(_match_forbidden("resourceVersionMatch is forbidden when continue is provided"))
    return found


def _match_forbidden(detail: str) -> FieldError:
    return forbidden_field("resourceVersionMatch", detail)
