"""The one version that every daemon of the cluster gives: the Kubernetes release whose API this is. Clients compare it with their own."""

from __future__ import annotations

MAJOR, MINOR, PATCH = 1, 36, 0
VERSION = f"v{MAJOR}.{MINOR}.{PATCH}"
# As pods see it in the requests of probes and of lifecycle hooks.
PROBE_AGENT = f"kube-probe/{MAJOR}.{MINOR}"
HOOK_AGENT = f"kube-lifecycle/{MAJOR}.{MINOR}"


def user_agent(component: str) -> str:
    """`kubelet/v1.36.0`: the part before the slash is the field manager that the API server notes."""
    return f"{component}/{VERSION}"
