"""k8s: objects of a cluster created, patched, applied, replaced and deleted, and waited for."""

import copy
import time
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import kube_api, kube_objects
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = dict(
    kube_api.KUBE_ARGUMENTS,
    api_version={"default": "v1", "aliases": ["api", "version"]},
    kind={},
    name={},
    namespace={},
    generate_name={},
    resource_definition={"type": "raw", "aliases": ["definition", "inline"]},
    src={"type": "path"},
    template={"type": "raw"},
    state={"default": "present", "choices": ["absent", "present", "patched"]},
    force={"type": "bool", "default": False},
    apply={"type": "bool", "default": False},
    server_side_apply={
        "type": "dict",
        "options": {"field_manager": {"required": True}, "force_conflicts": {"type": "bool", "default": False}},
    },
    merge_type={"type": "list", "elements": "str", "choices": ["merge", "strategic-merge"]},
    append_hash={"type": "bool", "default": False},
    continue_on_error={"type": "bool", "default": False},
    delete_all={"type": "bool", "default": False, "aliases": ["all"]},
    delete_options={
        "type": "dict",
        "options": {
            "propagationPolicy": {"choices": ["Foreground", "Background", "Orphan"]},
            "gracePeriodSeconds": {"type": "int"},
            "preconditions": {"type": "dict", "options": {"resourceVersion": {}, "uid": {}}},
        },
    },
    hidden_fields={"type": "list", "elements": "str", "default": []},
    label_selectors={"type": "list", "elements": "str", "default": []},
    validate={"type": "dict", "options": {"fail_on_error": {"type": "bool"}, "version": {}, "strict": {"type": "bool", "default": True}}},
    wait={"type": "bool", "default": False},
    wait_sleep={"type": "int", "default": 5},
    wait_timeout={"type": "int", "default": 120},
    wait_condition=kube_objects.CONDITION,
    _rules={
        "mutually_exclusive": [
            ["resource_definition", "src"],
            ["merge_type", "apply"],
            ["template", "resource_definition"],
            ["template", "src"],
            ["name", "generate_name"],
        ]
    },
)
_MERGE = {"merge": "application/merge-patch+json", "strategic-merge": "application/strategic-merge-patch+json"}
_APPLY = "application/apply-patch+yaml"
# A watch of our own is not worth it for some seconds; asking more often than this is.
POLL_S = 1.0


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    work = _Work(kube_api.Cluster(args), args, context)
    definitions = _definitions(args)
    results: List[Dict[str, Any]] = []
    for definition in definitions:
        try:
            results.append(work.one(definition))
        except ModuleFailed as error:
            if not args["continue_on_error"]:
                raise
            results.append({"changed": False, "result": {}, "error": dict({"msg": error.msg}, **error.more)})
    if len(definitions) == 1:
        if "error" in results[0]:
            raise ModuleFailed(results[0]["error"]["msg"], **results[0]["error"])
        return results[0]
    return {"changed": any(one["changed"] for one in results), "result": {"results": results}}


def _definitions(args: Dict[str, Any]) -> List[Dict[str, Any]]:
    """What is wanted, with what the arguments say where a definition says nothing; lists are taken apart."""
    raw = args["resource_definition"]
    given = [raw] if isinstance(raw, dict) else list(raw or [])
    flat: List[Dict[str, Any]] = []
    for entry in given:
        if not isinstance(entry, dict):
            raise ModuleFailed("a definition must be a mapping, not %s" % type(entry).__name__)
        flat += entry.get("items") or [] if str(entry.get("kind", "")).endswith("List") and "items" in entry else [entry]
    if not flat and raw is None:
        flat = [{}]
    made = []
    for entry in flat:
        entry = copy.deepcopy(entry)
        entry.setdefault("apiVersion", args["api_version"])
        entry.setdefault("kind", args["kind"])
        meta = entry.setdefault("metadata", {})
        for option, key in (("name", "name"), ("namespace", "namespace"), ("generate_name", "generateName")):
            if args[option] and not meta.get(key):
                meta[key] = args[option]
        if not entry["kind"]:
            raise ModuleFailed("Error: the kind of the object is missing: give kind, or a definition that has one")
        made.append(entry)
    return made


class _Work:
    def __init__(self, cluster: kube_api.Cluster, args: Dict[str, Any], context: Context) -> None:
        self._cluster, self._args, self._context = cluster, args, context
        self._query: Dict[str, Any] = {"dryRun": "All" if context.check else None}
        checks = args["validate"]
        if checks is not None:
            self._query["fieldValidation"] = "Strict" if checks.get("fail_on_error") else "Warn"

    def one(self, wanted: Dict[str, Any]) -> Dict[str, Any]:
        kind = self._cluster.kind(wanted["apiVersion"], wanted["kind"])
        name = wanted["metadata"].get("name")
        if kind is None:
            if self._args["state"] == "absent":
                return {"changed": False, "method": "delete", "result": {}}
            raise ModuleFailed(
                "Failed to find exact match for %s.%s by [kind, name, singularName, shortNames]" % (wanted["apiVersion"], wanted["kind"])
            )
        wanted["kind"] = kind.name
        if self._args["append_hash"] and kind.name in ("ConfigMap", "Secret") and name:
            name = wanted["metadata"]["name"] = "%s-%s" % (name, kube_objects.content_hash(wanted))
        if kind.namespaced:
            wanted["metadata"].setdefault("namespace", "default")
        else:
            wanted["metadata"].pop("namespace", None)
        if self._args["state"] == "absent" and (self._args["delete_all"] or (not name and self._args["label_selectors"])):
            return self._delete_all(kind, wanted)
        if self._args["label_selectors"] and not _selected(wanted["metadata"].get("labels") or {}, self._args["label_selectors"]):
            return {"changed": False, "result": {}, "msg": "resource 'kind=%s,name=%s' does not match label_selectors" % (kind.name, name)}
        there = self._get(kind, wanted["metadata"].get("namespace"), name) if name else None
        if self._args["state"] == "absent":
            return self._delete(kind, wanted, there)
        return self._present(kind, wanted, there)

    def _get(self, kind: kube_api.Kind, namespace: Optional[str], name: str) -> Optional[Dict[str, Any]]:
        try:
            found: Dict[str, Any] = self._cluster.ask("GET", kind.url(namespace, name))[0]
            return found
        except kube_api.Refused as error:
            if error.code == 404:
                return None
            raise _failed("Failed to retrieve requested object: %s", error)

    # Making and changing

    def _present(self, kind: kube_api.Kind, wanted: Dict[str, Any], there: Optional[Dict[str, Any]]) -> Dict[str, Any]:
        args, meta = self._args, wanted["metadata"]
        url = kind.url(meta.get("namespace"), meta.get("name"))
        warnings: List[str] = []
        if args["apply"] and args["server_side_apply"] is not None:
            manager = args["server_side_apply"]
            query = {"fieldManager": manager["field_manager"], "force": "true" if manager.get("force_conflicts") else None}
            method, words = "apply", "Failed to apply object: %s"
            found, warnings = self._send(words, "PATCH", url, wanted, _APPLY, query)
        elif there is None:
            if args["state"] == "patched":
                note = "resource 'kind=%s,name=%s' was not found but will not be created as 'state' parameter has been set to 'patched'"
                return {"changed": False, "result": {}, "warnings": [note % (kind.name, meta.get("name"))]}
            if not meta.get("name") and not meta.get("generateName"):
                raise ModuleFailed("Failed to create object: it has neither a name nor a generate_name")
            method = "apply" if args["apply"] else "create"
            body = kube_objects.annotated(wanted) if args["apply"] else wanted
            found, warnings = self._send("Failed to create object: %s", "POST", kind.url(meta.get("namespace")), body)
        elif args["apply"]:
            method = "apply"
            found, warnings = self._patch(url, there, wanted, ["strategic-merge", "merge"], apply=True)
        elif args["force"] and args["state"] == "present":
            method = "replace"
            body = copy.deepcopy(wanted)
            body["metadata"].setdefault("resourceVersion", there["metadata"]["resourceVersion"])
            found, warnings = self._send("Failed to replace object: %s", "PUT", url, body)
        else:
            method = "update"
            found, warnings = self._patch(url, there, wanted, args["merge_type"] or ["strategic-merge", "merge"])
        return self._told(kind, method, there, found, warnings)

    def _send(
        self, words: str, verb: str, url: str, body: Any, content: str = "application/json", query: Optional[Dict[str, Any]] = None
    ) -> Tuple[Dict[str, Any], List[str]]:
        try:
            return self._cluster.ask(verb, url, query=dict(self._query, **(query or {})), body=body, kind=content)
        except kube_api.Refused as error:
            raise _failed(words, error)

    def _patch(
        self, url: str, there: Dict[str, Any], wanted: Dict[str, Any], kinds: List[str], apply: bool = False
    ) -> Tuple[Dict[str, Any], List[str]]:
        """The first kind of patch that the server takes: custom resources know no strategic one."""
        for at, kind in enumerate(kinds):
            body = kube_objects.apply_patch(there, wanted, kind == "strategic-merge") if apply else wanted
            try:
                return self._cluster.ask("PATCH", url, query=self._query, body=body, kind=_MERGE[kind])
            except kube_api.Refused as error:
                if error.code != 415 or at + 1 == len(kinds):
                    raise _failed("Failed to %s object: %%s" % ("apply" if apply else "patch"), error)
        raise ModuleFailed("merge_type: expected merge or strategic-merge")

    def _told(
        self, kind: kube_api.Kind, method: str, there: Optional[Dict[str, Any]], found: Dict[str, Any], warnings: List[str]
    ) -> Dict[str, Any]:
        before, after = kube_objects.significant(there or {}), kube_objects.significant(found)
        different = kube_objects.difference(before, after)
        result: Dict[str, Any] = {"method": method, "changed": there is None or different is not None}
        if self._context.diff:
            shown = ({}, after) if there is None else different
            result["diff"] = {} if shown is None else {"before": shown[0], "after": shown[1]}
        if there is not None and different is None and kube_objects.is_annotated(found) and not kube_objects.is_annotated(there):
            result["changed"] = True
        if self._args["wait"] and not self._context.check:
            meta = found["metadata"]
            ready, latest, duration = self.wait(kind, meta.get("namespace"), meta["name"])
            result["duration"], found = duration, latest or found
            if not ready:
                text = '"%s" "%s": Timed out waiting on resource' % (kind.name, meta["name"])
                raise ModuleFailed(text, result=kube_objects.without(found, self._args["hidden_fields"]), **result)
        if warnings:
            result["warnings"] = warnings
        result["result"] = kube_objects.without(found, self._args["hidden_fields"])
        return result

    def wait(
        self, kind: kube_api.Kind, namespace: Optional[str], name: str, gone: bool = False
    ) -> Tuple[bool, Optional[Dict[str, Any]], int]:
        """(whether it came about, the object as last seen, seconds)"""
        started = time.monotonic()
        while True:
            found = self._get(kind, namespace, name)
            done = found is None if gone else kube_objects.is_ready(found, self._args["wait_condition"])
            elapsed = time.monotonic() - started
            if done or elapsed >= self._args["wait_timeout"]:
                return done, found, int(elapsed)
            time.sleep(max(min(POLL_S, self._args["wait_sleep"], self._args["wait_timeout"] - elapsed), 0.05))

    # Deleting

    def _delete(self, kind: kube_api.Kind, wanted: Dict[str, Any], there: Optional[Dict[str, Any]]) -> Dict[str, Any]:
        result: Dict[str, Any] = {"changed": there is not None, "method": "delete", "result": {}}
        if there is None:
            return result
        meta = wanted["metadata"]
        if self._context.diff:
            result["diff"] = {"before": kube_objects.significant(there), "after": {}}
        try:
            url = kind.url(meta.get("namespace"), meta["name"])
            found, _ = self._cluster.ask("DELETE", url, query={"dryRun": self._query["dryRun"]}, body=self._delete_body())
        except kube_api.Refused as error:
            raise _failed("Failed to delete object: %s", error)
        result["result"] = kube_objects.without(found, self._args["hidden_fields"])
        if self._args["wait"] and not self._context.check:
            gone, _, result["duration"] = self.wait(kind, meta.get("namespace"), meta["name"], gone=True)
            if not gone:
                raise ModuleFailed('"%s" "%s": Timed out waiting on resource' % (kind.name, meta["name"]), **result)
        return result

    def _delete_body(self) -> Optional[Dict[str, Any]]:
        chosen = {key: value for key, value in (self._args["delete_options"] or {}).items() if value is not None}
        return dict(chosen, apiVersion="v1", kind="DeleteOptions") if chosen else None

    def _delete_all(self, kind: kube_api.Kind, wanted: Dict[str, Any]) -> Dict[str, Any]:
        query = {"labelSelector": ",".join(self._args["label_selectors"])}
        try:
            found, _ = self._cluster.ask("GET", kind.url(wanted["metadata"].get("namespace")), query=query)
        except kube_api.Refused as error:
            raise _failed("Failed to retrieve requested object: %s", error)
        results = [self._delete(kind, {"metadata": entry["metadata"]}, dict(entry, kind=kind.name)) for entry in found["items"] or []]
        if len(results) == 1:
            return results[0]
        return {"changed": bool(results), "result": {"results": results}}


def _failed(words: str, error: kube_api.Refused) -> ModuleFailed:
    return ModuleFailed(words % error.raw, **error.more)


def _selected(labels: Dict[str, Any], selectors: List[str]) -> bool:
    """Whether labels match selectors of equality: a=b, a==b, a!=b, a, !a."""
    for selector in ",".join(selectors).split(","):
        selector = selector.strip()
        if "!=" in selector:
            key, _, value = selector.partition("!=")
            if str(labels.get(key.strip())) == value.strip():
                return False
        elif "=" in selector:
            key, _, value = selector.replace("==", "=").partition("=")
            if str(labels.get(key.strip())) != value.strip():
                return False
        elif (selector[1:] in labels) if selector.startswith("!") else (selector not in labels):
            return False
    return True
