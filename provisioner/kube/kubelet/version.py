"""The version that this kubelet says it is: the Kubernetes API's that we follow."""

from __future__ import annotations

VERSION = "v1.33.0"
