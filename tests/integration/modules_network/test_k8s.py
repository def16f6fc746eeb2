"""Proves k8s and k8s_info against a real API server: every way to write, second runs, check mode, waiting, and playbooks with YAML."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.engine import Runner, RunOptions
from provisioner.engine.events import Event, HostDone
from provisioner.inventory import load
from tests.integration.engine.test_local import Pool

K8s = Callable[..., dict[str, Any]]


@pytest.fixture
def k8s(call: Any, cluster: Path) -> K8s:
    def run(module: str = "k8s", /, check: bool = False, diff: bool = False, **args: Any) -> dict[str, Any]:
        made: dict[str, Any] = call(module, {"_kubeconfig": json.loads(cluster.read_text()), **args}, check=check, diff=diff)
        return made

    return run


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


def get(k8s: K8s, kind: str, name: str, **args: Any) -> dict[str, Any] | None:
    found = k8s("k8s_info", kind=kind, name=name, **args)["resources"]
    return found[0] if found else None


@pytest.mark.parametrize("way", [{}, {"apply": True}, {"apply": True, "server_side_apply": {"field_manager": "me"}}, {"force": True}])
def test_present(k8s: K8s, way: dict[str, Any]) -> None:
    name = "present" + "".join(way).replace("_", "-")
    checked = k8s(check=True, definition=config(name, a="1"), **way)
    assert (checked["changed"], get(k8s, "ConfigMap", name)) == (True, None)
    made = k8s(definition=config(name, a="1"), **way)
    assert (made["changed"], made["result"]["data"], "managedFields" in made["result"]["metadata"]) == (True, {"a": "1"}, True)
    again = k8s(definition=config(name, a="1"), hidden_fields=["metadata.managedFields"], **way)
    assert (again["changed"], "managedFields" in again["result"]["metadata"], "diff" in again) == (False, False, False)
    checked = k8s(check=True, diff=True, definition=config(name, a="2"), **way)
    assert (checked["changed"], checked["diff"]) == (True, {"before": {"data": {"a": "1"}}, "after": {"data": {"a": "2"}}})
    changed = k8s(definition=config(name, b="2"), **way)
    kept = {"a": "1", "b": "2"} if not way else {"b": "2"}
    assert (changed["changed"], changed["result"]["data"]) == (True, kept)
    checked = k8s(check=True, state="absent", definition=config(name))
    assert (checked["changed"], checked["result"]["status"]) == (True, "Success") and get(k8s, "ConfigMap", name) is not None
    gone = k8s(state="absent", definition=config(name), wait=True, wait_timeout=10)
    assert (gone["changed"], gone["method"], get(k8s, "cm", name)) == (True, "delete", None)
    assert k8s(state="absent", definition=config(name))["changed"] is False


def test_what_is_applied_for_the_first_time_is_marked(k8s: K8s) -> None:
    k8s(definition=config("unmarked", a="1"))
    marked = [k8s(definition=config("unmarked", a="1"), apply=True, diff=True) for _ in range(2)]
    assert [(one["changed"], one["diff"]) for one in marked] == [(True, {}), (False, {})]


def deployment(*containers: str) -> dict[str, Any]:
    pod = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": name, "image": "i"} for name in containers]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "x"}}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "lists"}, "spec": spec}


def test_apply_takes_list_entries_away(k8s: K8s) -> None:
    k8s(apply=True, definition=deployment("one", "two"))
    assert k8s(apply=True, definition=deployment("one", "two"))["changed"] is False
    made = k8s(apply=True, definition=deployment("two"))
    assert [entry["name"] for entry in made["result"]["spec"]["template"]["spec"]["containers"]] == ["two"]


def test_arguments_stand_for_a_definition(k8s: K8s) -> None:
    made = k8s(kind="Namespace", name="short")
    assert (made["changed"], made["result"]["metadata"]["name"]) == (True, "short")
    assert k8s(kind="ns", name="short")["changed"] is False
    assert k8s(kind="ConfigMap", generate_name="gen-", namespace="short")["result"]["metadata"]["name"].startswith("gen-")
    hashed = k8s(definition=config("hashed", a="1"), append_hash=True)["result"]["metadata"]["name"]
    assert len(hashed) == len("hashed-") + 10
    assert k8s(definition=config("hashed", a="1"), append_hash=True)["changed"] is False


def test_patched(k8s: K8s) -> None:
    missing = k8s(state="patched", definition=config("patched", a="1"))
    assert (missing["changed"], get(k8s, "ConfigMap", "patched")) == (False, None)
    assert "was not found but will not be created" in missing["warnings"][0]
    k8s(definition=config("patched", a="1"))
    assert k8s(state="patched", definition=config("patched", b="2"), merge_type=["merge"])["result"]["data"] == {"a": "1", "b": "2"}


def test_several_and_selectors(k8s: K8s) -> None:
    labelled = [{**config(name), "metadata": {"name": name, "labels": {"set": name}}} for name in ("m1", "m2")]
    made = k8s(definition=[*labelled, {"apiVersion": "v1", "kind": "ConfigMapList", "items": [config("m3")]}])
    assert (made["changed"], [one["result"]["metadata"]["name"] for one in made["result"]["results"]]) == (True, ["m1", "m2", "m3"])
    assert k8s(definition=labelled)["changed"] is False
    listed = k8s("k8s_info", kind="ConfigMap", namespace="default", label_selectors=["set in (m1,m2)"])["resources"]
    assert [(one["kind"], one["apiVersion"], one["metadata"]["name"]) for one in listed] == [
        ("ConfigMap", "v1", "m1"),
        ("ConfigMap", "v1", "m2"),
    ]
    assert len(k8s("k8s_info", kind="ConfigMap", namespace="default", field_selectors=["metadata.name=m3"])["resources"]) == 1
    gone = k8s(state="absent", kind="ConfigMap", namespace="default", delete_all=True, label_selectors=["set"])
    assert gone["changed"] and {one["result"]["status"] for one in gone["result"]["results"]} == {"Success"}
    assert get(k8s, "ConfigMap", "m3") and not get(k8s, "ConfigMap", "m1")


def test_waiting(k8s: K8s) -> None:
    late = threading.Timer(0.3, lambda: k8s(definition=config("late")))
    late.start()
    found = k8s("k8s_info", kind="ConfigMap", name="late", wait=True, wait_sleep=0, wait_timeout=20)
    late.join()
    assert found["resources"][0]["metadata"]["name"] == "late"
    nothing = k8s("k8s_info", kind="ConfigMap", name="nosuch", wait=True, wait_sleep=0, wait_timeout=0)
    assert (nothing.get("failed"), nothing["resources"]) == (None, []), "that nothing came is no failure"
    made = k8s(definition={**deployment("a"), "metadata": {"name": "never"}}, wait=True, wait_timeout=0)
    assert (made["failed"], made["msg"]) == (True, '"Deployment" "never": Timed out waiting on resource')


REFUSED = [
    ({"kind": "Nothing", "name": "x"}, "Failed to find exact match for v1.Nothing by [kind, name, singularName, shortNames]"),
    ({"definition": {**config("Bad_Name")}}, "Failed to create object: "),
    ({"definition": config("x"), "src": "y"}, "parameters are mutually exclusive: resource_definition|src"),
    ({"name": "x"}, "Error: the kind of the object is missing: give kind, or a definition that has one"),
    ({"kind": "Pod", "definition": {"metadata": {"name": "x"}, "spec": {"nonsense": 1}}, "validate": {"fail_on_error": True}}, "Failed to create object: "),
]  # fmt: skip


@pytest.mark.parametrize(("args", "msg"), REFUSED)
def test_what_is_refused(k8s: K8s, args: dict[str, Any], msg: str) -> None:
    made = k8s(**args)
    assert made["failed"] is True
    assert made["msg"].startswith(msg)


def test_who_we_are(call: Any, k8s: K8s, cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    nobody = call("k8s", {"kind": "Namespace", "name": "x"})
    assert nobody["msg"] == "Could not create API client: Invalid kube-config file. No configuration found."
    wrong = k8s(kind="Namespace", name="x", context="other")
    assert wrong["msg"].endswith("Expected object with name other in contexts list")
    server = json.loads(cluster.read_text())["clusters"][0]["cluster"]["server"]
    unknown = call("k8s_info", {"kind": "Pod", "host": server, "api_key": "nonsense", "validate_certs": False})
    assert (unknown["failed"], unknown["status"]) == (True, 401)
    assert k8s("k8s_info", kind="Pod", impersonate_user="nobody")["status"] == 403
    nothing = k8s("k8s_info", kind="Nothing")
    assert nothing == {
        "changed": False, "resources": [], "api_found": False,
        "msg": 'Failed to find API for resource with apiVersion "v1" and kind "Nothing"',
    }  # fmt: skip


PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: text
      kubernetes.core.k8s:
        kubeconfig: "{{ config }}"
        definition: |
          apiVersion: v1
          kind: ConfigMap
          metadata: {name: text, namespace: default}
          data: {a: "1"}
          ---
          apiVersion: v1
          kind: ConfigMap
          metadata: {name: text2, namespace: default}
    - {name: file, kubernetes.core.k8s: {kubeconfig: "{{ config }}", src: one.yaml, apply: true}}
    - {name: template, kubernetes.core.k8s: {kubeconfig: "{{ config }}", template: one.j2}}
    - {name: info, kubernetes.core.k8s_info: {kubeconfig: "{{ config }}", kind: ConfigMap, name: templated, namespace: default}}
    - {name: bad, kubernetes.core.k8s: {kubeconfig: "{{ config }}", definition: "a: ["}, ignore_errors: true}
    - {name: none, kubernetes.core.k8s: {kubeconfig: /none, kind: Pod, name: x}, ignore_errors: true}
"""


def test_a_playbook(cluster: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "files/one.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: filed, namespace: default}\n")
    (tmp_path / "templates/one.j2").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: templated}\ndata: {who: {{ inventory_hostname }}}\n"
    )
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    seen: list[dict[str, dict[str, Any]]] = []
    for _ in range(2):
        events: list[Event] = []
        pool = Pool()
        try:
            options = RunOptions(extra_vars={"ansible_connection": "local", "config": str(cluster)})
            Runner(load(["box,"]), options=options, sessions=pool, callbacks=[events.append]).run([tmp_path / "play.yml"])
        finally:
            pool.close()
        seen.append({e.task: dict(e.result) for e in events if isinstance(e, HostDone)})
    first, second = seen
    assert [first[name]["changed"] for name in ("text", "file", "template")] == [True] * 3, first
    assert [second[name]["changed"] for name in ("text", "file", "template")] == [False] * 3
    assert first["info"]["resources"][0]["data"] == {"who": "box"}
    assert first["bad"]["msg"].startswith("Failed to load resource definition: while parsing")
    assert first["none"]["msg"] == "Failed to load kubeconfig: /none is neither on the controller nor on the host"
