"""`python -m provisioner.images build FOLDER`: write the lab's image archives."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from provisioner.images import ImageError, build
from provisioner.images.archive import read_tags


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m provisioner.images", description=__doc__)
    parser.add_argument("verb", choices=["build"])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args(argv)
    try:
        for path in build(arguments.folder):
            print(f"{path}: {', '.join(read_tags(path))}")
    except ImageError as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
