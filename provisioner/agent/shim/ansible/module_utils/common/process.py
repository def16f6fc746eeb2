"""Programs of the host."""

import os
from typing import Optional, Sequence


def get_bin_path(arg: str, opt_dirs: Optional[Sequence[str]] = None, required: Optional[bool] = None) -> str:
    """A program's path, sbin folders included. Raises ValueError when there is none."""
    folders = [folder for folder in opt_dirs or () if folder and os.path.exists(folder)]
    folders += [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    folders += [folder for folder in ("/sbin", "/usr/sbin", "/usr/local/sbin") if folder not in folders]
    for folder in folders:
        path = os.path.join(folder, arg)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise ValueError('Failed to find required executable "%s" in paths: %s' % (arg, os.pathsep.join(folders)))
