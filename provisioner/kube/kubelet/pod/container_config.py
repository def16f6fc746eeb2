"""The body of Docker's create request for a pod's sandbox and for each of its containers. Pure, but for what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.errors import ContainerRefused
from provisioner.kube.kubelet.pod.decide import container_hash
from provisioner.kube.kubelet.pod.environment import expand
from provisioner.kube.kubelet.pod.resources import host_resources
from provisioner.kube.kubelet.runtime import containers as names
from provisioner.kube.kubelet.runtime.docker_types import Image
from provisioner.kube.kubelet.runtime.image_users import Users

GRACE_S = 30
# Upstream's: the sandbox dies after every container of its pod.
SANDBOX_OOM = -998
DEFAULT_MESSAGE_PATH = "/dev/termination-log"
PROPAGATION = {"HostToContainer": "rslave", "Bidirectional": "rshared", "None": "rprivate"}


@dataclass(frozen=True, slots=True)
class Mount:
    """A bind of `host` on `inside`. `propagation` is the pod's word for it."""

    host: Path
    inside: str
    read_only: bool = False
    propagation: str = "None"

    def bind(self) -> str:
        options = ["ro"] if self.read_only else ["rw"]
        if self.propagation != "None":
            options.append(PROPAGATION[self.propagation])
        return f"{self.host}:{self.inside}:{','.join(options)}"


@dataclass(frozen=True, slots=True)
class Device:
    """The block device `host`, as `inside`."""

    host: Path
    inside: str
    read_only: bool = False

    def mapping(self) -> dict[str, str]:
        return {"PathOnHost": str(self.host), "PathInContainer": self.inside, "CgroupPermissions": "r" if self.read_only else "mrw"}


def labels_of(pod: core_v1.Pod, name: str) -> dict[str, str]:
    metadata = pod.metadata
    return {
        names.POD_UID: metadata.uid or "",
        names.POD_NAME: metadata.name or "",
        names.POD_NAMESPACE: metadata.namespace or "",
        names.CONTAINER_NAME: name,
    }


def hostname_of(pod: core_v1.Pod) -> str:
    """The name inside the pod: `spec.hostname`, or the pod's own, cut to what the kernel takes."""
    if pod.spec.hostname_override:
        return pod.spec.hostname_override
    return (pod.spec.hostname or pod.metadata.name or "")[:63].rstrip("-.")


def kernel_name(pod: core_v1.Pod, domain: str) -> str:
    """What uname says in the pod: its full name where setHostnameAsFQDN asks for it. Raises ContainerRefused for one that is too long."""
    name = hostname_of(pod)
    if not pod.spec.set_hostname_as_fqdn or not pod.spec.subdomain or pod.spec.hostname_override:
        return name
    full = f"{name}.{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{domain}"
    if len(full) > 64:
        text = f"failed to construct FQDN from pod hostname and cluster domain, FQDN {full} is too long (64 characters is the max, {len(full)} characters requested)"
        raise ContainerRefused("CreatePodSandboxError", text)
    return full


def sandbox_config(
    pod: core_v1.Pod, image: str, attempt: int, log_config: Mapping[str, Any], lowest_oom: int = -1000, domain: str = ""
) -> dict[str, Any]:
    """The container that holds the pod's namespaces. Raises ContainerRefused for namespaces that Docker gives to no single container."""
    spec = pod.spec
    if spec.host_users is False:
        text = "user namespaces are not supported: Docker gives them to all of its containers or to none; hostUsers must not be false"
        raise ContainerRefused("CreatePodSandboxError", text)
    sysctls = {s.name: s.value for s in (spec.security_context.sysctls if spec.security_context else None) or ()}
    host: dict[str, Any] = {
        "NetworkMode": "host" if spec.host_network else "none",
        "IpcMode": "host" if spec.host_ipc else "shareable",
        "OomScoreAdj": max(lowest_oom, SANDBOX_OOM),
        "CpuShares": 2,
        "LogConfig": log_config,
        "SecurityOpt": ["no-new-privileges"],
    }
    if spec.host_pid:
        host["PidMode"] = "host"
    if sysctls:
        host["Sysctls"] = sysctls
    config: dict[str, Any] = {
        "Image": image,
        "Labels": {
            **(pod.metadata.labels or {}),
            **labels_of(pod, names.SANDBOX),
            names.TYPE: "podsandbox",
            names.ATTEMPT: str(attempt),
        },
        "HostConfig": host,
    }
    if not spec.host_network:
        config["Hostname"] = kernel_name(pod, domain)
    return config


@dataclass(frozen=True, slots=True)
class Making:
    """What a container is made from, besides its pod."""

    sandbox_id: str
    attempt: int
    variables: Mapping[str, str]
    mounts: Sequence[Mount]
    image: Image
    node_memory_bytes: int
    message_file: Path
    log_config: Mapping[str, Any]
    devices: Sequence[Device] = ()
    target_id: str | None = None
    lowest_oom: int = -1000
    # Capabilities that the host has not itself.
    lacking: Sequence[str] = ()
    # Whether the host's kernel enforces AppArmor's profiles.
    apparmor: bool = True
    pids_limit: int = -1
    # Where profiles of the type Localhost lie.
    seccomp_root: Path = Path("/var/lib/kubelet/seccomp")
    # Docker's filter for who names none.
    seccomp_default: bool = False
    # The image's users, where `names_groups` asks for them.
    users: Users = field(default_factory=lambda: Users({}, {}, {}))
    # Docker's name of another runtime than its default.
    runtime: str = ""


def container_config(pod: core_v1.Pod, container: core_v1.Container, made_from: Making) -> dict[str, Any]:
    """A container in its pod's sandbox. Raises ContainerRefused."""
    variables = made_from.variables
    image_config = made_from.image.config
    command = [expand(word, variables) for word in container.command or ()]
    arguments = [expand(word, variables) for word in container.args or ()]
    if not command and not arguments and not (image_config and (image_config.cmd or image_config.entrypoint)):
        raise ContainerRefused("CreateContainerError", "Error response from daemon: No command specified")
    config: dict[str, Any] = {
        "Image": made_from.image.id,
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "Labels": _labels(pod, container, made_from),
        "OpenStdin": bool(container.stdin),
        "StdinOnce": bool(container.stdin_once),
        "Tty": bool(container.tty),
        # Docker's own health check of an image is none of a pod's.
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host_config(pod, container, made_from),
    }
    if command:
        config["Entrypoint"] = command
        config["Cmd"] = arguments
    elif arguments:
        config["Cmd"] = arguments
    if container.lifecycle is not None and container.lifecycle.stop_signal:
        config["StopSignal"] = container.lifecycle.stop_signal
    if container.working_dir:
        config["WorkingDir"] = container.working_dir
    user = _user(pod, container, made_from.image, made_from.users)
    if user is not None:
        config["User"] = user
    return config


def _labels(pod: core_v1.Pod, container: core_v1.Container, made_from: Making) -> dict[str, str]:
    grace = pod.spec.termination_grace_period_seconds
    return {
        **labels_of(pod, container.name or ""),
        names.TYPE: "container",
        names.SANDBOX_ID: made_from.sandbox_id,
        names.HASH: container_hash(container),
        names.ATTEMPT: str(made_from.attempt),
        names.GRACE: str(grace if grace is not None else GRACE_S),
        names.MESSAGE_FILE: str(made_from.message_file),
        names.MESSAGE_POLICY: container.termination_message_policy or "File",
    }


def _host_config(pod: core_v1.Pod, container: core_v1.Container, made_from: Making) -> dict[str, Any]:
    spec = pod.spec
    context = container.security_context or core_v1.SecurityContext()
    of_pod = spec.security_context or core_v1.PodSecurityContext()
    sandbox = f"container:{made_from.sandbox_id}"
    message_at = container.termination_message_path or DEFAULT_MESSAGE_PATH
    binds = [mount.bind() for mount in made_from.mounts]
    binds.append(f"{made_from.message_file}:{message_at}")
    host: dict[str, Any] = {
        "NetworkMode": "host" if spec.host_network else sandbox,
        "IpcMode": "host" if spec.host_ipc else sandbox,
        "Binds": binds,
        "Privileged": bool(context.privileged),
        "ReadonlyRootfs": bool(context.read_only_root_filesystem),
        "LogConfig": made_from.log_config,
        "SecurityOpt": _security_options(of_pod, context, made_from),
        **host_resources(spec, container, made_from.node_memory_bytes, made_from.lowest_oom),
    }
    if made_from.devices:
        host["Devices"] = [device.mapping() for device in made_from.devices]
    if made_from.runtime:
        host["Runtime"] = made_from.runtime
    if made_from.pids_limit > 0:
        host["PidsLimit"] = made_from.pids_limit
    if spec.host_pid:
        host["PidMode"] = "host"
    elif spec.share_process_namespace:
        host["PidMode"] = sandbox
    elif made_from.target_id:
        host["PidMode"] = f"container:{made_from.target_id}"
    capabilities = context.capabilities or core_v1.Capabilities()
    if capabilities.add:
        host["CapAdd"] = capabilities.add
    if capabilities.drop:
        host["CapDrop"] = capabilities.drop
    if made_from.lacking and (context.privileged or "ALL" in (capabilities.add or ())):
        host |= _as_far_as_the_host(host, made_from.lacking, privileged=bool(context.privileged))
    groups = [*(of_pod.supplemental_groups or ()), *([of_pod.fs_group] if of_pod.fs_group is not None else ())]
    if names_groups(pod, container) and of_pod.supplemental_groups_policy != "Strict":
        groups += made_from.users.groups_of(_name_of(of_pod, context, made_from.image))
    if groups:
        host["GroupAdd"] = [str(group) for group in groups]
    if context.proc_mount == "Unmasked":
        host |= {"MaskedPaths": [], "ReadonlyPaths": []}
    return host


def _as_far_as_the_host(host: Mapping[str, Any], lacking: Sequence[str], *, privileged: bool) -> dict[str, Any]:
    """All capabilities but those that the host lacks, which Docker would fail to give. Docker gives a privileged container all of them whatever
    is said, so there each of the other things that `privileged` stands for is asked for by itself."""
    found: dict[str, Any] = {"CapAdd": ["ALL"], "CapDrop": [*(host.get("CapDrop") or () if not privileged else ()), *lacking]}
    if privileged:
        found |= {
            "Privileged": False,
            "MaskedPaths": [],
            "ReadonlyPaths": [],
            "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
            "DeviceCgroupRules": ["a *:* rwm"],
            "Binds": [*host["Binds"], *(["/sys:/sys"] if not any(bind.split(":")[1] == "/sys" for bind in host["Binds"]) else [])],
        }
    return found


def _security_options(of_pod: core_v1.PodSecurityContext, context: core_v1.SecurityContext, made_from: Making) -> list[str]:
    """Raises ContainerRefused for a profile that is not there."""
    options = []
    if context.allow_privilege_escalation is False:
        options.append("no-new-privileges")
    profile = context.seccomp_profile or of_pod.seccomp_profile
    named = profile.type if profile is not None else None
    if named == "Unconfined" or (named is None and not made_from.seccomp_default):
        # As upstream's default: no filter where none was asked for.
        options.append("seccomp=unconfined")
    elif profile is not None and named == "Localhost":
        path = made_from.seccomp_root / (profile.localhost_profile or "")
        try:
            options.append(f"seccomp={path.read_text()}")
        except OSError as error:
            text = f'failed to generate security options for container: cannot load seccomp profile "{path}": {error.strerror}'
            raise ContainerRefused("CreateContainerError", text) from error
    apparmor = context.app_armor_profile or of_pod.app_armor_profile
    if apparmor is not None and apparmor.type == "Unconfined":
        options.append("apparmor=unconfined")
    elif apparmor is not None and not made_from.apparmor:
        raise ContainerRefused("Blocked", "Cannot enforce AppArmor: AppArmor is not enabled on the host")
    elif apparmor is not None and apparmor.type == "Localhost":
        options.append(f"apparmor={apparmor.localhost_profile}")
    labels = context.se_linux_options or of_pod.se_linux_options
    if labels is not None:
        values = {"user": labels.user, "role": labels.role, "type": labels.type, "level": labels.level}
        options += [f"label={name}:{value}" for name, value in values.items() if value]
    return options


def names_groups(pod: core_v1.Pod, container: core_v1.Container) -> bool:
    """Whether the groups of a container are told to Docker one by one: by supplementalGroupsPolicy, or since its first one is given."""
    of_pod, context = pod.spec.security_context, container.security_context
    given = (of_pod is not None and of_pod.run_as_group is not None) or (context is not None and context.run_as_group is not None)
    return given or (of_pod is not None and of_pod.supplemental_groups_policy == "Strict")


def _name_of(of_pod: core_v1.PodSecurityContext, context: core_v1.SecurityContext, image: Image) -> str:
    """The user by number or by the image's name."""
    user = context.run_as_user if context.run_as_user is not None else of_pod.run_as_user
    return str(user) if user is not None else (image.config.user if image.config else "").partition(":")[0] or "0"


def _user(pod: core_v1.Pod, container: core_v1.Container, image: Image, users: Users) -> str | None:
    """`uid[:gid]` where the pod names one. Raises ContainerRefused where runAsNonRoot is not kept."""
    context = container.security_context or core_v1.SecurityContext()
    of_pod = pod.spec.security_context or core_v1.PodSecurityContext()
    user = context.run_as_user if context.run_as_user is not None else of_pod.run_as_user
    group = context.run_as_group if context.run_as_group is not None else of_pod.run_as_group
    non_root = context.run_as_non_root if context.run_as_non_root is not None else of_pod.run_as_non_root
    of_image = (image.config.user if image.config else "").partition(":")[0]
    where = f'(pod: "{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})", container: {container.name})'
    if non_root:
        if user == 0:
            raise ContainerRefused("CreateContainerConfigError", f"container's runAsUser breaks non-root policy {where}")
        if user is None and of_image and not of_image.isdigit():
            text = f"container has runAsNonRoot and image has non-numeric user ({of_image}), cannot verify user is non-root {where}"
            raise ContainerRefused("CreateContainerConfigError", text)
        if user is None and int(of_image or 0) == 0:
            raise ContainerRefused("CreateContainerConfigError", f"container has runAsNonRoot and image will run as root {where}")
    name = _name_of(of_pod, context, image)
    if group is not None:
        return f"{name}:{group}"
    if of_pod.supplemental_groups_policy == "Strict":
        own = (image.config.user if image.config else "").partition(":")[2] if user is None else ""
        return f"{name}:{own or users.group_of(name)}"
    return name if user is not None else None
