"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

inventory_argument: Decorator = click.argument("inventory", type=click.Path(path_type=Path))
verbose_option: Decorator = click.option("-v", "--verbose", count=True, help="Show every task, not only what changes.")
forks_option: Decorator = click.option("-f", "--forks", type=click.IntRange(1, 500), default=20, show_default=True, help="Hosts at a time.")
break_lock_option: Decorator = click.option("--break-lock", is_flag=True, help="Take over the lock of a run that is gone.")
