"""Display for people's own plugins: what they say is not shown."""

from typing import Any


class Display:
    def __init__(self, verbosity: int = 0) -> None:
        self.verbosity = verbosity

    def display(self, msg: Any, *_: Any, **__: Any) -> None:
        """Nothing is shown."""

    v = vv = vvv = vvvv = debug = verbose = warning = deprecated = error = display
