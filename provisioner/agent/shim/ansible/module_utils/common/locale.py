"""A locale in which programs speak English."""

from typing import Any, Optional, Sequence


def get_best_parsable_locale(module: Any, preferences: Optional[Sequence[str]] = None, raise_on_locale: bool = False) -> str:
    wanted = list(preferences or ("C.utf8", "C.UTF-8", "en_US.utf8", "C", "POSIX"))
    code, out, _ = module.run_command(["locale", "-a"])
    if code:
        if raise_on_locale:
            raise RuntimeWarning("Unable to get locale information")
        return "C"
    known = out.split()
    return next((name for name in wanted if name in known), "C")
