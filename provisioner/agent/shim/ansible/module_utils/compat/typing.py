"""Names of the standard module."""

from typing import *  # noqa: F403
