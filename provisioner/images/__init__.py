"""Container images made from Debian packages, without Docker and without a registry.

`build` writes archives that `docker load` takes: `pause`, which holds a pod's namespaces, and `busybox`, for trying a cluster out. The
same input gives the same bytes, so an archive's hash says whether a host has it already. It speaks to no host; shipping archives is a role's job.
"""

from provisioner.images.archive import Image, write_archive
from provisioner.images.errors import ImageError
from provisioner.images.lab import PAUSE_TAG, build

__all__ = ["PAUSE_TAG", "Image", "ImageError", "build", "write_archive"]
