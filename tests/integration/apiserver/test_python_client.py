"""Proves that the official Python client creates, reads, lists, patches, replaces, watches and deletes every stored kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ConflictError
from kubernetes.dynamic.resource import Resource, ResourceInstance

OBJECTS = yaml.safe_load((Path(__file__).parent / "objects.yaml").read_text())
# Their values are made by the coverage test: requests for certificates, and a CA.
LEFT_OUT = {"CertificateSigningRequest", "ClusterTrustBundle"}
CASES = [o for o in OBJECTS if o["kind"] not in LEFT_OUT]


@pytest.fixture(scope="module")
def api(server: Any) -> Iterator[client.ApiClient]:
    made = config.new_client_from_config(str(server.kubeconfig()))
    yield made
    made.close()


@pytest.fixture(scope="module")
def dynamic(api: client.ApiClient, tmp_path_factory: pytest.TempPathFactory) -> DynamicClient:
    return DynamicClient(api, cache_file=str(tmp_path_factory.mktemp("discovery") / "cache"))


@pytest.fixture(scope="module")
def place(server: Any) -> str:
    assert server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "pyclient"}})[0] == 201
    assert server.call("POST", "/api/v1/namespaces/pyclient/serviceaccounts", {"metadata": {"name": "default"}})[0] == 201
    return "pyclient"


def _annotate(resource: Resource, name: str, where: dict[str, str]) -> ResourceInstance:
    """The object replaced as a client does it: some kinds' status is written by the server meanwhile, and the read is done again."""
    for _ in range(10):
        document = resource.get(name=name, **where).to_dict()
        document["metadata"]["annotations"] = {"py": "1"}
        try:
            return resource.replace(body=document, **where)
        except ConflictError:
            continue
    pytest.fail(f"{name} is written to without end")


@pytest.mark.parametrize("case", CASES, ids=lambda o: f"{o['apiVersion']}/{o['kind']}")
def test_every_kind(case: dict[str, Any], dynamic: DynamicClient, place: str) -> None:
    document = json.loads(json.dumps({k: v for k, v in case.items() if k != "change"}).replace("NAMESPACE", place))
    resource = dynamic.resources.get(api_version=case["apiVersion"], kind=case["kind"])
    name = document.setdefault("metadata", {}).setdefault("name", f"py-{case['kind'].lower()}-{resource.api_version}")
    where = {"namespace": place} if resource.namespaced else {}
    made = resource.create(body=document, **where)
    assert made.metadata.name == name and resource.get(name=name, **where).metadata.uid == made.metadata.uid
    listed = resource.get(field_selector=f"metadata.name={name}", **where)
    assert [i.metadata.name for i in listed.items] == [name]
    patched = resource.patch(body={"metadata": {"labels": {"py": "1"}}}, name=name, content_type="application/merge-patch+json", **where)
    assert patched.metadata.labels.py == "1"
    assert _annotate(resource, name, where).metadata.annotations.py == "1"
    if "status" in resource.subresources:
        body = {"apiVersion": case["apiVersion"], "kind": case["kind"], "metadata": {"name": name}, "status": {}}
        assert resource.status.patch(body=body, name=name, content_type="application/merge-patch+json", **where).metadata.name == name
    events = resource.watch(field_selector=f"metadata.name={name}", resource_version="0", timeout=5, **where)
    first = next(iter(events))
    assert (first["type"], first["object"].metadata.name) == ("ADDED", name)
    resource.delete(name=name, body={"propagationPolicy": "Background"}, **where)


def test_typed_clients_speak_with_it(api: client.ApiClient, place: str) -> None:
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    made = core.create_namespaced_config_map(
        place, client.V1ConfigMap(metadata=client.V1ObjectMeta(generate_name="typed-"), data={"a": "b"})
    )
    assert core.read_namespaced_config_map(made.metadata.name, place).data == {"a": "b"}
    pod = client.V1PodSpec(containers=[client.V1Container(name="c", image="i")])
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels={"a": "b"}), spec=pod)
    spec = client.V1DeploymentSpec(replicas=0, selector=client.V1LabelSelector(match_labels={"a": "b"}), template=template)
    apps.create_namespaced_deployment(place, client.V1Deployment(metadata=client.V1ObjectMeta(name="typed"), spec=spec))
    apps.patch_namespaced_deployment_scale("typed", place, {"spec": {"replicas": 3}})
    assert apps.read_namespaced_deployment_scale("typed", place).spec.replicas == 3
    stream = watch.Watch()
    for event in stream.stream(apps.list_namespaced_deployment, place, timeout_seconds=5):
        assert event["object"].metadata.name == "typed" and event["object"].spec.replicas == 3
        stream.stop()
    with pytest.raises(ApiException) as refused:
        core.create_namespaced_config_map(place, made)
    assert refused.value.status == 500 and "resourceVersion should not be set" in json.loads(refused.value.body)["message"]
    assert client.VersionApi(api).get_code().minor == "36"
