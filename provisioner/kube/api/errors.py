"""API errors: the `Status` an API server answers with, as an exception that both sides of the connection use.

    StatusError
      code, reason, message as in metav1.Status; details as in metav1.StatusDetails

Constructors give upstream's exact wording, since people and programs read it. `qualified` names are `resource.group`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class FieldError:
    """One finding of validation. `reason` is a metav1.CauseType: FieldValueRequired, FieldValueInvalid, …"""

    reason: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def shown(value: Any) -> str:
    """A value as upstream's field errors quote it: strings as Go's %q, which nothing is too, everything else as JSON."""
    if isinstance(value, str) and not value.isprintable():
        return f'"{"".join(map(_escaped, value))}"'
    return msgspec.json.encode("null" if value is None else value, order="sorted" if isinstance(value, dict) else None).decode()


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def _escaped(char: str) -> str:
    if char in _ESCAPES or char.isprintable():
        return _ESCAPES.get(char, char)
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def required(field: str, detail: str = "") -> FieldError:
    return FieldError("FieldValueRequired", field, f"Required value{': ' + detail if detail else ''}")


def invalid_value(field: str, value: Any, detail: str) -> FieldError:
    return FieldError("FieldValueInvalid", field, f"Invalid value: {shown(value)}: {detail}")


def type_invalid(field: str, value: Any, detail: str) -> FieldError:
    return FieldError("FieldValueTypeInvalid", field, f"Invalid value: {shown(value)}: {detail}")


def forbidden_field(field: str, detail: str) -> FieldError:
    return FieldError("FieldValueForbidden", field, f"Forbidden: {detail}")


def duplicate(field: str, value: Any) -> FieldError:
    return FieldError("FieldValueDuplicate", field, f"Duplicate value: {shown(value)}")


def not_supported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    listed = ", ".join(f'"{s}"' for s in supported)
    return FieldError("FieldValueNotSupported", field, f"Unsupported value: {shown(value)}: supported values: {listed}")


def not_found_field(field: str, value: Any) -> FieldError:
    return FieldError("FieldValueNotFound", field, f"Not found: {shown(value)}")


def too_long(field: str, limit: int) -> FieldError:
    return FieldError("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def too_many(field: str, count: int, limit: int) -> FieldError:
    return FieldError("FieldValueTooMany", field, f"Too many: {count}: must have at most {limit} items")


class StatusError(Exception):
    """An API answer that is no success. Raised by the client for every status >= 400, and by the server to give one."""

    def __init__(self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message
        self.details: dict[str, Any] = dict(details or {})
        # upstream shows details that say nothing, too, where there may be some
        self._may_detail = details is not None
        # ListMeta: an expired list says where it may go on
        self.metadata: dict[str, Any] = {}

    @property
    def retry_after_s(self) -> int | None:
        """How long the server asks to wait, or None where it doesn't say."""
        value = self.details.get("retryAfterSeconds")
        return int(value) if value else None

    def to_status(self) -> dict[str, Any]:
        """The metav1.Status body."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details or self._may_detail:
            status["details"] = self.details
        return status | {"code": self.code}

    @classmethod
    def from_status(cls, status: Mapping[str, Any], code: int) -> StatusError:
        """The error a Status body says; `code` is the HTTP status, for bodies that don't say."""
        message = str(status.get("message") or f"the server answered {code}")
        return cls(int(status.get("code") or code), str(status.get("reason") or ""), message, status.get("details"))


class PageNotFound(StatusError):
    """A path that nobody knows. Upstream's HTTP library answers it, with a line of text."""

    def __init__(self) -> None:
        super().__init__(404, "NotFound", "404 page not found")


def no_route() -> StatusError:
    """A path that isn't there, below one that is."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def no_method() -> StatusError:
    """A method that a path doesn't know."""
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def qualified(plural: str, group: str) -> str:
    return f"{plural}.{group}" if group else plural


def _about(plural: str, group: str, name: str) -> dict[str, Any]:
    return {k: v for k, v in {"name": name, "group": group, "kind": plural}.items() if v}


def not_found(plural: str, name: str, group: str = "") -> StatusError:
    return StatusError(404, "NotFound", f'{qualified(plural, group)} "{name}" not found', _about(plural, group, name))


def already_exists(plural: str, name: str, group: str = "") -> StatusError:
    return StatusError(409, "AlreadyExists", f'{qualified(plural, group)} "{name}" already exists', _about(plural, group, name))


def conflict(plural: str, name: str, detail: str = "", group: str = "", causes: list[dict[str, str]] | None = None) -> StatusError:
    detail = detail or "the object has been modified; please apply your changes to the latest version and try again"
    details = _about(plural, group, name) | ({"causes": causes} if causes else {})
    return StatusError(409, "Conflict", f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {detail}', details)


def invalid(kind: str, name: str, errors: Iterable[FieldError], group: str = "") -> StatusError:
    """422 with a cause for each finding; the message aggregates them as upstream's ErrorList does."""
    found = list(dict.fromkeys(errors))
    texts = [str(e) for e in found]
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]" if texts else "<nil>"
    causes = [{"reason": e.reason, "message": e.message, "field": e.field} for e in found]
    details = {"name": name, "group": group, "kind": kind, "causes": causes}
    message = f'{qualified(kind, group)} "{name}" is invalid: {joined}'
    return StatusError(422, "Invalid", message, {k: v for k, v in details.items() if v})


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def unauthorized(message: str = "Unauthorized") -> StatusError:
    return StatusError(401, "Unauthorized", message)


def forbidden(plural: str, name: str, detail: str, group: str = "") -> StatusError:
    text = f'{qualified(plural, group)} "{name}" is forbidden: {detail}' if name else f"{qualified(plural, group)} is forbidden: {detail}"
    return StatusError(403, "Forbidden", text if plural else f"forbidden: {detail}", _about(plural, group, name))


def method_not_supported(plural: str, verb: str, group: str = "") -> StatusError:
    message = f'{verb} is not supported on resources of kind "{qualified(plural, group)}"'
    return StatusError(405, "MethodNotAllowed", message, _about(plural, group, ""))


def expired(message: str) -> StatusError:
    """410: the resourceVersion or continue token is older than what is kept."""
    return StatusError(410, "Expired", message)


def gone(message: str) -> StatusError:
    return StatusError(410, "Gone", message)


def unsupported_media_type(message: str) -> StatusError:
    return StatusError(415, "UnsupportedMediaType", message)


def not_acceptable(message: str) -> StatusError:
    return StatusError(406, "NotAcceptable", message)


def too_large(message: str) -> StatusError:
    return StatusError(413, "RequestEntityTooLarge", message)


def too_many_requests(message: str, retry_after_s: int = 1) -> StatusError:
    return StatusError(429, "TooManyRequests", message, {"retryAfterSeconds": retry_after_s})


def timeout(message: str, retry_after_s: int = 0) -> StatusError:
    return StatusError(504, "Timeout", message, {"retryAfterSeconds": retry_after_s} if retry_after_s else {})


def unavailable(message: str) -> StatusError:
    return StatusError(503, "ServiceUnavailable", message)


def internal(message: str) -> StatusError:
    text = f"Internal error occurred: {message}"
    return StatusError(500, "InternalError", text, {"causes": [{"message": message}]})
