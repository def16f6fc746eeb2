"""What can go wrong with making images: one kind, told in one line."""

from __future__ import annotations


class ImageError(Exception):
    """An image could not be made; the message says why and what would help."""
