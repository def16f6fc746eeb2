"""Objects of Kubernetes without a server: what `apply` has to change, what is different, whether something is ready, names by content."""

import copy
import hashlib
import json
from typing import Any, Dict, List, Optional

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# By which key lists are merged (patchMergeKey in the API's types), by the list's name.
_MERGE_KEYS = {
    "containers": ["name"], "initContainers": ["name"], "ephemeralContainers": ["name"], "volumes": ["name"], "env": ["name"],
    "imagePullSecrets": ["name"], "volumeMounts": ["mountPath"], "volumeDevices": ["devicePath"], "ports": ["containerPort", "port"],
    "hostAliases": ["ip"], "secrets": ["name"], "ownerReferences": ["uid"], "conditions": ["type"], "topologySpreadConstraints": ["topologyKey"],
}  # fmt: skip
# What the server keeps up by itself.
_SERVERS_OWN = ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp", "selfLink")
_VOWELS = str.maketrans("013ae", "ghkmt")


def annotated(wanted: Dict[str, Any]) -> Dict[str, Any]:
    """The object with itself as the annotation that `kubectl apply` reads, too."""
    plain = copy.deepcopy(wanted)
    notes = plain.get("metadata", {}).get("annotations") or {}
    notes.pop(LAST_APPLIED, None)
    made = copy.deepcopy(plain)
    made["metadata"].setdefault("annotations", {})
    made["metadata"]["annotations"] = dict(made["metadata"]["annotations"] or {})
    made["metadata"]["annotations"][LAST_APPLIED] = json.dumps(plain, sort_keys=True, separators=(",", ":")) + "\n"
    return made


def is_annotated(found: Dict[str, Any]) -> bool:
    """Whether it was applied before."""
    return LAST_APPLIED in (found["metadata"].get("annotations") or {})


def apply_patch(there: Dict[str, Any], wanted: Dict[str, Any], strategic: bool) -> Dict[str, Any]:
    """What brings an object to `wanted`, and takes away what was applied before and isn't wanted any more."""
    text = (there["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    try:
        last = json.loads(text) if text else {}
    except ValueError:
        last = {}
    return _patch(last, annotated(wanted), strategic)


def _patch(last: Any, wanted: Dict[str, Any], strategic: bool) -> Dict[str, Any]:
    patch: Dict[str, Any] = {}
    before = last if isinstance(last, dict) else {}
    for key in before:
        if key not in wanted:
            patch[key] = None
    for key, value in wanted.items():
        if isinstance(value, dict):
            patch[key] = _patch(before.get(key), value, strategic)
        elif strategic and isinstance(value, list):
            patch[key] = _list_patch(key, before.get(key), value)
        else:
            patch[key] = value
    return patch


def _list_patch(name: str, last: Any, wanted: List[Any]) -> List[Any]:
    """The list, with a note to delete entries that were applied before and are gone; others' entries stay."""
    entries = list(wanted)
    if not isinstance(last, list):
        return entries
    for merge_key in _MERGE_KEYS.get(name, ()):
        kept = {entry.get(merge_key) for entry in wanted if isinstance(entry, dict)}
        for entry in last:
            if isinstance(entry, dict) and merge_key in entry and entry[merge_key] not in kept:
                entries.append({merge_key: entry[merge_key], "$patch": "delete"})
    return entries


def significant(found: Dict[str, Any]) -> Dict[str, Any]:
    """An object without what changes by itself."""
    made = copy.deepcopy(found)
    for key in _SERVERS_OWN:
        made.get("metadata", {}).pop(key, None)
    (made.get("metadata", {}).get("annotations") or {}).pop(LAST_APPLIED, None)
    if not made.get("metadata", {}).get("annotations", True):
        made["metadata"].pop("annotations")
    made.pop("status", None)
    return made


def difference(before: Any, after: Any) -> Any:
    """(what is only, or otherwise, in the first; the same of the second), in nested mappings; None where they agree."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return None if before == after else (before, after)
    left: Dict[str, Any] = {}
    right: Dict[str, Any] = {}
    for key in {**before, **after}:
        if key not in after:
            left[key] = before[key]
        elif key not in before:
            right[key] = after[key]
        else:
            inner = difference(before[key], after[key])
            if inner is not None:
                left[key], right[key] = inner
    return (left, right) if left or right else None


def without(found: Dict[str, Any], fields: List[str]) -> Dict[str, Any]:
    """An object without fields by their paths: metadata.managedFields, metadata.annotations[some/key], spec.containers[0].env."""
    made = copy.deepcopy(found)
    for field in fields:
        parts = field.replace("[", ".[").split(".") if "[" not in field else _parts(field)
        _remove(made, parts)
    return made


def _parts(field: str) -> List[str]:
    parts, rest = [], field
    while rest:
        if rest.startswith("["):
            inside, _, rest = rest[1:].partition("]")
            parts.append(inside.strip("'\""))
        else:
            cut = min(at for at in (rest.find("."), rest.find("["), len(rest)) if at >= 0)
            parts.append(rest[:cut])
            rest = rest[cut:]
        rest = rest[1:] if rest.startswith(".") else rest
    return parts


def _remove(place: Any, parts: List[str]) -> None:
    for part in parts[:-1]:
        if isinstance(place, list) and part.isdigit() and int(part) < len(place):
            place = place[int(part)]
        elif isinstance(place, dict) and part in place:
            place = place[part]
        else:
            return
    if isinstance(place, dict):
        place.pop(parts[-1], None)


def content_hash(wanted: Dict[str, Any]) -> str:
    """The hash that `kubectl` and kustomize append to names of ConfigMaps and Secrets."""
    kept: Dict[str, Any] = {"kind": wanted["kind"], "name": wanted["metadata"].get("name", ""), "data": wanted.get("data") or {}}
    if wanted["kind"] == "Secret":
        kept["type"] = wanted.get("type", "")
    if wanted.get("binaryData"):
        kept["binaryData"] = wanted["binaryData"]
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return digest[:10].translate(_VOWELS)


CONDITION: Dict[str, Any] = {
    "type": "dict",
    "options": {"type": {}, "status": {"default": True, "choices": [True, False, "Unknown"]}, "reason": {}},
}


def is_ready(found: Optional[Dict[str, Any]], condition: Optional[Dict[str, Any]]) -> bool:
    """Whether an object is what `wait` waits for: by the condition given, or by what its kind means by ready."""
    if found is None:
        return False
    status = found.get("status") or {}
    if condition and condition.get("type"):
        for entry in status.get("conditions") or []:
            if entry.get("type") == condition["type"] and entry.get("status") == str(condition.get("status", True)):
                return not condition.get("reason") or entry.get("reason") == condition["reason"]
        return False
    spec, kind = found.get("spec") or {}, found.get("kind")
    current = bool(status.get("observedGeneration", 0) >= found["metadata"].get("generation", 0))
    if kind == "Deployment":
        wanted = spec.get("replicas", 1)
        counts = [status.get(name) or 0 for name in ("availableReplicas", "replicas", "updatedReplicas")]
        return current and all(count == wanted for count in counts) and not status.get("unavailableReplicas")
    if kind == "StatefulSet":
        wanted = spec.get("replicas", 1)
        return current and (status.get("readyReplicas") or 0) == wanted and (status.get("updatedReplicas") or 0) == wanted
    if kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled")
        return bool(current and wanted is not None and status.get("numberReady") == wanted == status.get("updatedNumberScheduled", 0))
    if kind == "Pod":
        states = status.get("containerStatuses") or []
        return status.get("phase") == "Succeeded" or (bool(states) and all(state.get("ready") for state in states))
    if kind == "CustomResourceDefinition":
        return any(entry.get("type") == "Established" and entry.get("status") == "True" for entry in status.get("conditions") or [])
    return True
