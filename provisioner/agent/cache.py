"""The agent's own source on the host: sources of other versions go when they are old, so that they don't pile up."""

import os
import shutil
import time

# Another controller may still run an older agent, which loads modules when they are first called.
KEPT = 4
# An unpacking that was cut off; none takes an hour.
STALE_S = 3600.0


def prune(path: str) -> None:
    """Beside the source in `path`, keep the newest few; whatever can't be removed stays."""
    base = os.path.dirname(path)
    sources = []
    for name in os.listdir(base):
        entry = os.path.join(base, name)
        try:
            changed = os.lstat(entry).st_mtime
        except OSError:
            continue
        if name.startswith("agent-") and entry != path:
            sources.append((changed, entry))
        elif name.startswith("new-") and time.time() - changed > STALE_S:
            shutil.rmtree(entry, ignore_errors=True)
    for _, entry in sorted(sources, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(entry, ignore_errors=True)
