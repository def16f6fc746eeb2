"""Which admission plug-ins run, and what --admission-control-config-file says to them.

Source: apiserver.config.k8s.io/v1 AdmissionConfiguration, pod-security.admission.config.k8s.io/v1 PodSecurityConfiguration.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from provisioner.kube.apiserver import config_files
from provisioner.kube.apiserver.admission import event_limits
from provisioner.kube.apiserver.admission.event_limits import EventLimit, EventRateLimitConfiguration
from provisioner.kube.apiserver.admission.image_policy import ImagePolicy, ImagePolicyConfiguration
from provisioner.kube.apiserver.config_files import Configuration, Section
from provisioner.kube.client.flags import Flags
from provisioner.kube.client.kubeconfig import ClusterAccess, ConfigError, load_kubeconfig

VERSIONS = ("apiserver.config.k8s.io/v1",)
POD_SECURITY_VERSIONS = ("pod-security.admission.config.k8s.io/v1",)
Level = Literal["privileged", "baseline", "restricted"]

# Plug-ins that run unless they are disabled.
DEFAULT = frozenset(
    {
        *("CertificateApproval", "CertificateSigning", "CertificateSubjectRestriction", "ClusterTrustBundleAttest"),
        *(
            "DefaultIngressClass",
            "DefaultStorageClass",
            "DefaultTolerationSeconds",
            "LimitRanger",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionWebhook",
            "NamespaceLifecycle",
        ),
        *(
            "NodeDeclaredFeatureValidator",
            "PersistentVolumeClaimResize",
            "PodSecurity",
            "PodTopologyLabels",
            "Priority",
            "ResourceQuota",
            "RuntimeClass",
            "ServiceAccount",
        ),
        *("StorageObjectInUseProtection", "TaintNodesByCondition", "ValidatingAdmissionPolicy", "ValidatingAdmissionWebhook"),
    }
)
# Plug-ins that run when they are enabled.
OPTIONAL = frozenset(
    {
        *(
            "AlwaysAdmit",
            "AlwaysDeny",
            "AlwaysPullImages",
            "DenyServiceExternalIPs",
            "EventRateLimit",
            "ExtendedResourceToleration",
            "ImagePolicyWebhook",
        ),
        *("LimitPodHardAntiAffinityTopology", "NamespaceAutoProvision", "NamespaceExists", "NodeRestriction"),
        *("OwnerReferencesPermissionEnforcement", "PodNodeSelector", "PodTolerationRestriction"),
    }
)


class PluginConfiguration(Section, frozen=True, kw_only=True):
    """`configuration` is the plug-in's own document, `path` a file with it."""

    name: str
    path: str = ""
    configuration: dict[str, Any] | None = None


class AdmissionConfiguration(Configuration, frozen=True, kw_only=True):
    plugins: tuple[PluginConfiguration, ...] = ()


class PodSecurityDefaults(Section, frozen=True, kw_only=True):
    """What holds in namespaces that say nothing."""

    enforce: Level = "privileged"
    enforce_version: str = msgspec.field(default="latest", name="enforce-version")
    audit: Level = "privileged"
    audit_version: str = msgspec.field(default="latest", name="audit-version")
    warn: Level = "privileged"
    warn_version: str = msgspec.field(default="latest", name="warn-version")

    def labels(self) -> dict[str, str]:
        """As labels of a namespace, without their prefix."""
        return {f.encode_name: getattr(self, f.name) for f in msgspec.structs.fields(self)}


class PodSecurityExemptions(Section, frozen=True, kw_only=True):
    usernames: tuple[str, ...] = ()
    runtime_classes: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


class PodSecurityConfiguration(Configuration, frozen=True, kw_only=True):
    defaults: PodSecurityDefaults = PodSecurityDefaults()
    exemptions: PodSecurityExemptions = PodSecurityExemptions()


@dataclass(frozen=True, slots=True)
class AdmissionSettings:
    """`node_selectors` are PodNodeSelector's: namespace (or clusterDefaultNodeSelector) -> selector."""

    enabled: frozenset[str] = DEFAULT
    pod_security: PodSecurityConfiguration = field(default_factory=PodSecurityConfiguration)
    node_selectors: dict[str, str] = field(default_factory=dict)
    event_limits: tuple[EventLimit, ...] = ()
    image_policy: ImagePolicy | None = None
    image_reviews: ClusterAccess | None = None


def settings_of(flags: Flags) -> AdmissionSettings:
    """Raises ValueError with everything that is wrong."""
    problems = []
    on, off = set(flags.enable_admission_plugins), set(flags.disable_admission_plugins)
    for flag, names in (("enable", on), ("disable", off)):
        for name in sorted(names):
            if name not in DEFAULT | OPTIONAL:
                near = difflib.get_close_matches(name, sorted(DEFAULT | OPTIONAL), n=1)
                problems.append(f"--{flag}-admission-plugins={name}: unknown plug-in" + (f"; did you mean {near[0]}?" if near else ""))
    problems += [f"{name} is in --enable-admission-plugins and in --disable-admission-plugins" for name in sorted(on & off)]
    if problems:
        raise ValueError("\n".join(problems))
    # A Node authorizer without this admission would let kubelets write what they may only write of their own.
    needed = {"NodeRestriction"} if "Node" in flags.authorization_mode and "NodeRestriction" not in off else set()
    enabled = frozenset((DEFAULT | on | needed) - off)
    found = AdmissionSettings(enabled)
    if flags.admission_control_config_file:
        found = _configured(flags.admission_control_config_file, enabled)
    for name, configured in (("EventRateLimit", found.event_limits), ("ImagePolicyWebhook", found.image_policy)):
        if name in enabled and not configured:
            raise ValueError(f"--enable-admission-plugins={name}: --admission-control-config-file must configure it")
    return found


def _configured(path: str, enabled: frozenset[str]) -> AdmissionSettings:
    found = config_files.load(path, AdmissionConfiguration, "AdmissionConfiguration", VERSIONS)
    pod_security = PodSecurityConfiguration()
    selectors: dict[str, str] = {}
    limits: tuple[EventLimit, ...] = ()
    policy, reviews = None, None
    for index, plugin in enumerate(found.plugins):
        where = f"{path}: plugins[{index}]"
        document, source = _document(plugin, where)
        if plugin.name == "PodSecurity":
            pod_security = config_files.parse(document, source, PodSecurityConfiguration, "PodSecurityConfiguration", POD_SECURITY_VERSIONS)
        elif plugin.name == "PodNodeSelector":
            selectors = {str(k): str(v) for k, v in ((document or {}).get("podNodeSelectorPluginConfig") or {}).items()}
        elif plugin.name == "EventRateLimit":
            limits = config_files.parse(document, source, EventRateLimitConfiguration, "Configuration", event_limits.VERSIONS).limits
        elif plugin.name == "ImagePolicyWebhook":
            policy = config_files.convert(document, source, ImagePolicyConfiguration).image_policy
            try:
                reviews = load_kubeconfig(Path(policy.kube_config_file))
            except ConfigError as error:
                raise ValueError(f"{source}: imagePolicy.kubeConfigFile: {error}") from None
        else:
            known = "EventRateLimit, ImagePolicyWebhook, PodNodeSelector and PodSecurity"
            raise ValueError(f"{where}: {plugin.name} takes no configuration here; {known} do")
    return AdmissionSettings(enabled, pod_security, selectors, limits, policy, reviews)


def _document(plugin: PluginConfiguration, where: str) -> tuple[Any, str]:
    if bool(plugin.path) == (plugin.configuration is not None):
        raise ValueError(f"{where}: path or configuration is needed, not both")
    if plugin.configuration is not None:
        return plugin.configuration, f"{where}.configuration"
    try:
        return yaml.safe_load(Path(plugin.path).read_text()), plugin.path
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{where}.path: {plugin.path}: {' '.join(str(error).split())}") from None
