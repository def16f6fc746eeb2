"""`selectors` of the standard library."""

import selectors

__all__ = ["selectors"]
