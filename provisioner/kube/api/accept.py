"""The Accept header (RFC 9110, 12.5.1). Pure."""

from __future__ import annotations


def by_preference(header: str) -> list[tuple[str, dict[str, str]]]:
    """The media types of an Accept header and their parameters, by quality, then order; without those of quality 0."""
    choices = []
    for order, part in enumerate(header.split(",")):
        media, *params = [p.strip() for p in part.split(";")]
        given = dict(p.split("=", 1) for p in params if "=" in p)
        try:
            quality = float(given.get("q", "1"))
        except ValueError:
            quality = 0.0
        if quality:
            choices.append((-quality, order, media, given))
    return [choice[2:] for choice in sorted(choices, key=lambda c: c[:2])]
