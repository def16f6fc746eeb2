"""The kubelet's configuration: a KubeletConfiguration file (kubelet.config.k8s.io/v1beta1), with flags over it. Fixed after the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.config_file import read_config
from provisioner.kube.client.flags import FlagError, Flags, FlagSet, boolean, comma_list, duration, integer, ip_address, pairs
from provisioner.kube.kubelet.node.pressure import threshold
from provisioner.kube.kubelet.node.shutdown import CRITICAL, Group

# Upstream's defaults.
EVICTION_HARD = {
    "memory.available": "100Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "15%",
    "imagefs.inodesFree": "5%",
}


class Anonymous(msgspec.Struct, frozen=True, rename="camel"):
    enabled: bool = False


class WebhookAuthentication(msgspec.Struct, frozen=True, rename="camel"):
    enabled: bool = True
    cache_ttl: str = msgspec.field(name="cacheTTL", default="2m0s")


class X509(msgspec.Struct, frozen=True, rename="camel"):
    client_ca_file: str = msgspec.field(name="clientCAFile", default="")


class Authentication(msgspec.Struct, frozen=True, rename="camel"):
    anonymous: Anonymous = Anonymous()
    webhook: WebhookAuthentication = WebhookAuthentication()
    x509: X509 = X509()


class WebhookAuthorization(msgspec.Struct, frozen=True, rename="camel"):
    cache_authorized_ttl: str = msgspec.field(name="cacheAuthorizedTTL", default="5m0s")
    cache_unauthorized_ttl: str = msgspec.field(name="cacheUnauthorizedTTL", default="30s")


class Authorization(msgspec.Struct, frozen=True, rename="camel"):
    """`mode` is Webhook or AlwaysAllow."""

    mode: str = "Webhook"
    webhook: WebhookAuthorization = WebhookAuthorization()


class ShutdownByPriority(msgspec.Struct, frozen=True, rename="camel"):
    """Pods of this priority and up have so long to end when the host shuts down."""

    priority: int = 0
    shutdown_grace_period_seconds: int = 0


class Configuration(msgspec.Struct, frozen=True, rename="camel"):
    """The fields that we act on, with upstream's names and defaults. Durations are Go's (`10s`)."""

    address: str = "0.0.0.0"
    port: int = 10250
    healthz_bind_address: str = "127.0.0.1"
    healthz_port: int = 10248
    tls_cert_file: str = ""
    tls_private_key_file: str = ""
    authentication: Authentication = Authentication()
    authorization: Authorization = Authorization()
    cluster_domain: str = "cluster.local"
    cluster_dns: tuple[str, ...] = msgspec.field(name="clusterDNS", default=())
    resolv_conf: str = "/etc/resolv.conf"
    max_pods: int = 110
    node_status_update_frequency: str = "10s"
    node_lease_duration_seconds: int = 40
    register_node: bool = True
    register_with_taints: tuple[core_v1.Taint, ...] = ()
    static_pod_path: str = ""
    file_check_frequency: str = "20s"
    container_runtime_endpoint: str = "unix:///var/run/docker.sock"
    container_log_max_size: str = "10Mi"
    container_log_max_files: int = 5
    image_gc_high_threshold_percent: int = msgspec.field(name="imageGCHighThresholdPercent", default=85)
    image_gc_low_threshold_percent: int = msgspec.field(name="imageGCLowThresholdPercent", default=80)
    image_minimum_gc_age: str = msgspec.field(name="imageMinimumGCAge", default="2m0s")
    image_maximum_gc_age: str = msgspec.field(name="imageMaximumGCAge", default="0s")
    eviction_hard: dict[str, str] = msgspec.field(default_factory=lambda: dict(EVICTION_HARD))
    eviction_soft: dict[str, str] = {}
    eviction_soft_grace_period: dict[str, str] = {}
    eviction_max_pod_grace_period: int = 0
    eviction_pressure_transition_period: str = "5m0s"
    pod_pids_limit: int = -1
    allowed_unsafe_sysctls: tuple[str, ...] = ()
    node_status_report_frequency: str = "5m0s"
    registry_pull_qps: int = msgspec.field(name="registryPullQPS", default=5)
    max_parallel_image_pulls: int | None = None
    system_reserved: dict[str, str] = {}
    kube_reserved: dict[str, str] = {}
    merge_default_eviction_settings: bool = False
    # 0 is no bound but maxPods.
    pods_per_core: int = 0
    provider_id: str = msgspec.field(name="providerID", default="")
    # RuntimeDefault for containers that name no profile.
    seccomp_default: bool = False
    enable_system_log_handler: bool = True
    shutdown_grace_period: str = "0s"
    shutdown_grace_period_critical_pods: str = "0s"
    shutdown_grace_period_by_pod_priority: tuple[ShutdownByPriority, ...] = ()
    # Known, and without effect here: Docker's own settings decide these, or there is only one way.
    cgroup_driver: str = ""
    fail_swap_on: bool = True
    rotate_certificates: bool = False
    server_tls_bootstrap: bool = msgspec.field(name="serverTLSBootstrap", default=False)
    serialize_image_pulls: bool = True
    sync_frequency: str = "1m0s"
    read_only_port: int = 0
    hairpin_mode: str = ""
    feature_gates: dict[str, bool] = {}
    registry_burst: int = 10
    eviction_minimum_reclaim: dict[str, str] = {}
    http_check_frequency: str = "0s"
    streaming_connection_idle_timeout: str = "4h0m0s"
    runtime_request_timeout: str = "2m0s"
    volume_stats_agg_period: str = "1m0s"
    cpu_manager_policy: str = "none"
    cpu_manager_reconcile_period: str = "10s"
    memory_manager_policy: str = "None"
    topology_manager_policy: str = "none"
    event_record_qps: int = msgspec.field(name="eventRecordQPS", default=50)
    event_burst: int = 100
    kube_api_qps: int = msgspec.field(name="kubeAPIQPS", default=50)
    kube_api_burst: int = msgspec.field(name="kubeAPIBurst", default=100)
    enable_server: bool = True
    enable_debugging_handlers: bool = True
    enable_controller_attach_detach: bool = True
    cgroups_per_qos: bool = msgspec.field(name="cgroupsPerQOS", default=True)
    cgroup_root: str = ""
    enforce_node_allocatable: tuple[str, ...] = ("pods",)
    make_iptables_util_chains: bool = msgspec.field(name="makeIPTablesUtilChains", default=True)
    protect_kernel_defaults: bool = False
    oom_score_adj: int = -999
    crash_loop_back_off: dict[str, Any] = {}
    logging: dict[str, Any] = {}
    memory_swap: dict[str, Any] = {}
    tls_cipher_suites: tuple[str, ...] = ()
    tls_min_version: str = ""
    volume_plugin_dir: str = ""
    node_status_max_images: int = 50
    container_log_max_workers: int = 1
    container_log_monitor_interval: str = "10s"
    image_service_endpoint: str = ""
    local_storage_capacity_isolation: bool = True
    pod_logs_dir: str = "/var/log/pods"
    static_pod_url: str = msgspec.field(name="staticPodURL", default="")
    static_pod_url_header: dict[str, Any] = msgspec.field(name="staticPodURLHeader", default={})
    enable_contention_profiling: bool = False
    enable_profiling_handler: bool = True
    enable_debug_flags_handler: bool = True
    enable_system_log_query: bool = False
    kubelet_cgroups: str = ""
    system_cgroups: str = ""
    system_reserved_cgroup: str = ""
    kube_reserved_cgroup: str = ""
    single_process_oom_kill: bool | None = msgspec.field(name="singleProcessOOMKill", default=None)
    cpu_manager_policy_options: dict[str, str] = {}
    topology_manager_scope: str = "container"
    topology_manager_policy_options: dict[str, str] = {}
    qos_reserved: dict[str, str] = {}
    pod_cidr: str = msgspec.field(name="podCIDR", default="")
    run_once: bool = False
    cpu_cfs_quota: bool = msgspec.field(name="cpuCFSQuota", default=True)
    cpu_cfs_quota_period: str = msgspec.field(name="cpuCFSQuotaPeriod", default="100ms")
    max_open_files: int = 1_000_000
    content_type: str = ""
    iptables_masquerade_bit: int = 14
    iptables_drop_bit: int = 15
    config_map_and_secret_change_detection_strategy: str = "Watch"
    reserved_system_cpus: str = msgspec.field(name="reservedSystemCPUs", default="")
    reserved_memory: list[dict[str, Any]] = []
    show_hidden_metrics_for_version: str = ""
    kernel_memcg_notification: bool = False
    memory_throttling_factor: float = 0.9
    tracing: dict[str, Any] = {}
    fail_cgroup_v1: bool = msgspec.field(name="failCgroupV1", default=False)
    user_namespaces: dict[str, Any] = {}
    image_pull_credentials_verification_policy: str = ""
    preloaded_images_verification_allowlist: list[str] = []


def taints(text: str) -> list[core_v1.Taint]:
    """`key[=value]:effect,…`"""
    found = []
    for part in comma_list(text):
        name, colon, effect = part.rpartition(":")
        key, _, value = name.partition("=")
        if not colon or effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
            raise ValueError("expected key[=value]:effect, where effect is NoSchedule, PreferNoSchedule or NoExecute")
        found.append(core_v1.Taint(key=key, value=value or None, effect=effect))
    return found


def flag_set() -> FlagSet:
    flags = FlagSet("kubelet", "runs the pods of this node in Docker")
    flags.add("config", str, "", "a KubeletConfiguration file")
    flags.add("kubeconfig", str, "", "how to reach the API server")
    flags.add("hostname-override", str, "", "this node's name (default: the host's name)")
    flags.add("node-ip", str, "", "this node's address (default: the one that leads to the API server)")
    flags.add("node-labels", pairs, {}, "labels of the node when it is registered")
    flags.add("register-with-taints", taints, None, "taints of the node when it is registered")
    flags.add("register-node", boolean, None, "make the Node object (default true)")
    flags.add("root-dir", str, "/var/lib/kubelet", "where pods' files lie")
    flags.add("pod-infra-container-image", str, "registry.k8s.io/pause:3.9", "the image of pods' sandboxes")
    flags.add("container-runtime-endpoint", str, "", "dockerd's socket (default unix:///var/run/docker.sock)")
    flags.add("cluster-dns", comma_list, None, "addresses of the cluster's DNS")
    flags.add("cluster-domain", str, "", "the cluster's DNS domain (default cluster.local)")
    flags.add("max-pods", integer, None, "how many pods may run here (default 110)")
    flags.add("pod-manifest-path", str, "", "a folder of static pods' manifests")
    flags.add("address", ip_address, "", "the address to serve on")
    flags.add("port", integer, None, "the port to serve on (default 10250)")
    flags.add("healthz-bind-address", ip_address, "", "the address of /healthz (default 127.0.0.1)")
    flags.add("healthz-port", integer, None, "the port of /healthz, 0 for none (default 10248)")
    flags.add("tls-cert-file", str, "", "the serving certificate (default: one made at start)")
    flags.add("tls-private-key-file", str, "", "the serving certificate's key")
    flags.add("client-ca-file", str, "", "who signs clients' certificates")
    flags.add("anonymous-auth", boolean, None, "let unknown callers in as system:anonymous (default false)")
    flags.add("authorization-mode", str, "", "Webhook or AlwaysAllow")
    flags.add("authentication-token-webhook", boolean, None, "ask the API server about bearer tokens (default true)")
    flags.add("node-status-update-frequency", str, "", "how often to look at the node's status (default 10s)")
    flags.add("cgroup-driver", str, "", "taken and ignored: Docker decides")
    flags.add("fail-swap-on", boolean, None, "taken and ignored")
    return flags


def configure(flags: Flags) -> Configuration:
    """The file, with the flags that were given over it. Raises ConfigError or FlagError, each with every problem."""
    config = (
        read_config(Path(flags.config), "KubeletConfiguration", "kubelet.config.k8s.io", Configuration) if flags.config else Configuration()
    )
    over = {
        "address": flags.address,
        "port": flags.port,
        "healthz_bind_address": flags.healthz_bind_address,
        "healthz_port": flags.healthz_port,
        "tls_cert_file": flags.tls_cert_file,
        "tls_private_key_file": flags.tls_private_key_file,
        "cluster_domain": flags.cluster_domain,
        "cluster_dns": tuple(flags.cluster_dns) if flags.cluster_dns else None,
        "max_pods": flags.max_pods,
        "register_node": flags.register_node,
        "register_with_taints": tuple(flags.register_with_taints) if flags.register_with_taints else None,
        "static_pod_path": flags.pod_manifest_path,
        "container_runtime_endpoint": flags.container_runtime_endpoint,
        "node_status_update_frequency": flags.node_status_update_frequency,
    }
    config = msgspec.structs.replace(config, **{key: value for key, value in over.items() if value not in (None, "")})
    if config.merge_default_eviction_settings:
        config = msgspec.structs.replace(config, eviction_hard={**EVICTION_HARD, **config.eviction_hard})
    config = msgspec.structs.replace(config, authentication=_authentication(config, flags), authorization=_authorization(config, flags))
    _check(config)
    return config


def _authentication(config: Configuration, flags: Flags) -> Authentication:
    known = config.authentication
    return Authentication(
        anonymous=Anonymous(flags.anonymous_auth) if flags.anonymous_auth is not None else known.anonymous,
        webhook=(
            msgspec.structs.replace(known.webhook, enabled=flags.authentication_token_webhook)
            if flags.authentication_token_webhook is not None
            else known.webhook
        ),
        x509=X509(flags.client_ca_file) if flags.client_ca_file else known.x509,
    )


def _authorization(config: Configuration, flags: Flags) -> Authorization:
    return msgspec.structs.replace(config.authorization, mode=flags.authorization_mode or config.authorization.mode)


def shutdown_groups(config: Configuration) -> list[Group]:
    """None where the host's shutdown is nobody's business, as by default."""
    whole, critical = duration(config.shutdown_grace_period), duration(config.shutdown_grace_period_critical_pods)
    if config.shutdown_grace_period_by_pod_priority:
        return [Group(one.priority, one.shutdown_grace_period_seconds) for one in config.shutdown_grace_period_by_pod_priority]
    return [Group(0, int(whole - critical)), Group(CRITICAL, int(critical))] if whole else []


def _shutdown_problems(config: Configuration) -> list[str]:
    try:
        whole, critical = duration(config.shutdown_grace_period), duration(config.shutdown_grace_period_critical_pods)
    except ValueError:
        return []
    found = []
    if 0 < whole < 1 or 0 < critical < 1:
        found.append("shutdownGracePeriod, shutdownGracePeriodCriticalPods: expected 0s or at least 1s")
    if critical > whole:
        found.append("shutdownGracePeriodCriticalPods: it is a part of shutdownGracePeriod, and can't be longer")
    by_priority = config.shutdown_grace_period_by_pod_priority
    if by_priority and (whole or critical):
        found.append("shutdownGracePeriodByPodPriority: give it or shutdownGracePeriod, not both")
    if len({one.priority for one in by_priority}) < len(by_priority) or any(one.shutdown_grace_period_seconds < 0 for one in by_priority):
        found.append("shutdownGracePeriodByPodPriority: expected each priority once, with seconds of at least 0")
    return found


def _check(config: Configuration) -> None:
    problems = _shutdown_problems(config)
    if config.authorization.mode not in ("Webhook", "AlwaysAllow"):
        problems.append(f"authorization.mode: {config.authorization.mode!r}: expected Webhook or AlwaysAllow")
    if not config.container_runtime_endpoint.startswith(("unix://", "/")):
        problems.append(f"containerRuntimeEndpoint: {config.container_runtime_endpoint!r}: expected unix:///path of dockerd's socket")
    if config.static_pod_url:
        problems.append("staticPodURL: pods of the node's own come from files alone: give staticPodPath")
    if config.pods_per_core < 0:
        problems.append(f"podsPerCore: {config.pods_per_core}: expected 0 or more")
    if not 0 < config.max_pods <= 1000:
        problems.append(f"maxPods: {config.max_pods}: expected 1 to 1000")
    durations = (
        "node_status_update_frequency",
        "file_check_frequency",
        "image_minimum_gc_age",
        "image_maximum_gc_age",
        "eviction_pressure_transition_period",
        "shutdown_grace_period",
        "shutdown_grace_period_critical_pods",
    )
    for name in durations:
        try:
            duration(getattr(config, name))
        except ValueError as error:
            problems.append(f"{name}: {getattr(config, name)!r}: {error}")
    for key, grace in config.eviction_soft_grace_period.items():
        try:
            duration(grace)
        except ValueError as error:
            problems.append(f"evictionSoftGracePeriod.{key}: {grace!r}: {error}")
    for section in ("eviction_hard", "eviction_soft"):
        for signal, amount in getattr(config, section).items():
            try:
                threshold(signal, amount)
            except ValueError as error:
                problems.append(f"{'evictionHard' if section == 'eviction_hard' else 'evictionSoft'}.{signal}: {amount!r}: {error}")
    problems += [
        f"evictionSoft.{signal}: no grace period: give evictionSoftGracePeriod.{signal}"
        for signal in config.eviction_soft
        if signal not in config.eviction_soft_grace_period
    ]
    if not 0 <= config.image_gc_low_threshold_percent <= config.image_gc_high_threshold_percent <= 100:
        problems.append("imageGCLowThresholdPercent, imageGCHighThresholdPercent: expected 0 <= low <= high <= 100")
    if problems:
        raise FlagError("\n".join(problems))
