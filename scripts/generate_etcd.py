"""Generates the message classes of etcd's API from provisioner/kube/storage/etcd.proto. Run it after changing that file."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "provisioner" / "kube" / "storage"


def main() -> int:
    from grpc_tools import protoc

    return int(
        protoc.main(
            [
                "protoc",
                f"-I{FOLDER}",
                f"--python_out={FOLDER / '_generated'}",
                f"--pyi_out={FOLDER / '_generated'}",
                str(FOLDER / "etcd.proto"),
            ]
        )
    )


if __name__ == "__main__":
    sys.exit(main())
