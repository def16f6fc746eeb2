"""What may be asked of a container's log together (PodLogOptions of the core API). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.kube.api.errors import FieldError, forbidden_field, invalid, invalid_value, not_supported
from provisioner.kube.apiserver.requests import whole

STREAMS = ("All", "Stderr", "Stdout")


def check_log_options(query: Mapping[str, str], pod: str) -> None:
    """Raises 400 for what is no number, 422 for what can't be."""
    problems: list[FieldError] = []
    tail, limit, since_s = (whole(query, name) for name in ("tailLines", "limitBytes", "sinceSeconds"))
    if tail is not None and tail < 0:
        problems.append(invalid_value("tailLines", tail, "must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        problems.append(invalid_value("limitBytes", limit, "must be greater than 0"))
    if since_s is not None and query.get("sinceTime"):
        problems.append(forbidden_field("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    elif since_s is not None and since_s < 1:
        problems.append(invalid_value("sinceSeconds", since_s, "must be greater than 0"))
    stream = query.get("stream") or "All"
    if stream not in STREAMS:
        problems.append(not_supported("stream", stream, STREAMS))
    elif stream != "All" and tail is not None:
        problems.append(forbidden_field("[]", "`tailLines` and specific `stream` are mutually exclusive for now"))
    if problems:
        raise invalid("PodLogOptions", pod, problems)
