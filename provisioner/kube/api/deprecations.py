"""Which served versions are deprecated, and what clients are told about them (a Warning header).

Source: the deprecation guide; a beta is deprecated three minor versions after it came and goes three later.
"""

from __future__ import annotations

# (group, version, kind) -> (deprecated since 1.x, gone in 1.x or 0, what to use instead or "")
_KNOWN: dict[tuple[str, str, str], tuple[int, int, str]] = {
    ("", "v1", "ComponentStatus"): (19, 0, ""),
    ("", "v1", "Endpoints"): (33, 0, "discovery.k8s.io/v1 EndpointSlice"),
    ("certificates.k8s.io", "v1beta1", "ClusterTrustBundle"): (36, 39, ""),
    ("coordination.k8s.io", "v1beta1", "LeaseCandidate"): (36, 39, ""),
    ("networking.k8s.io", "v1beta1", "IPAddress"): (34, 37, "networking.k8s.io/v1 IPAddress"),
    ("networking.k8s.io", "v1beta1", "ServiceCIDR"): (34, 37, "networking.k8s.io/v1 ServiceCIDR"),
    ("storage.k8s.io", "v1beta1", "VolumeAttributesClass"): (34, 37, "storage.k8s.io/v1 VolumeAttributesClass"),
    **{
        ("resource.k8s.io", version, kind): (since, since + 3, f"resource.k8s.io/v1 {kind}")
        for version, since in (("v1beta1", 35), ("v1beta2", 36))
        for kind in ("DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice")
    },
}


def warning(group: str, version: str, kind: str) -> str:
    """What to say of a version of a kind; "" where there is nothing."""
    if (group, version, kind) not in _KNOWN:
        return ""
    since, gone, instead = _KNOWN[(group, version, kind)]
    shown = f"{group}/{version}" if group else version
    text = f"{shown} {kind} is deprecated in v1.{since}+"
    if gone:
        text += f", unavailable in v1.{gone}+"
    return f"{text}; use {instead}" if instead else text


def removed_release(group: str, version: str, kind: str) -> str | None:
    """The release that a deprecated version of a kind is gone in: "1.N", "" where none is named; None for what stays."""
    if (group, version, kind) not in _KNOWN:
        return None
    gone = _KNOWN[(group, version, kind)][1]
    return f"1.{gone}" if gone else ""
