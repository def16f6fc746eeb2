"""All admission plug-ins in upstream's order; those that are not enabled are left out."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.kube.apiserver.admission.certificates import Certificates, ClusterTrustBundleAttest
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.admission.claims import AdminAccess, ClaimStatusAuthorization
from provisioner.kube.apiserver.admission.classes import DefaultIngressClass, DefaultStorageClass, RuntimeClass
from provisioner.kube.apiserver.admission.creation import CreateAuthorization
from provisioner.kube.apiserver.admission.escalation import Escalation
from provisioner.kube.apiserver.admission.event_limits import EventRateLimit
from provisioner.kube.apiserver.admission.expressions import Expressions
from provisioner.kube.apiserver.admission.image_policy import ImagePolicyWebhook
from provisioner.kube.apiserver.admission.lifecycle import NamespaceAutoProvision, NamespaceExists, NamespaceLifecycle
from provisioner.kube.apiserver.admission.limits import LimitRanger
from provisioner.kube.apiserver.admission.node_limits import NodeDeclaredFeatureValidator, PodResize
from provisioner.kube.apiserver.admission.node_restriction import NodeRestriction
from provisioner.kube.apiserver.admission.owners import OwnerReferences
from provisioner.kube.apiserver.admission.pod_placement import (
    ExtendedResourceToleration,
    LimitPodHardAntiAffinityTopology,
    PodNodeSelector,
    PodTolerationRestriction,
    PodTopologyLabels,
)
from provisioner.kube.apiserver.admission.pod_security import PodSecurity
from provisioner.kube.apiserver.admission.pods import (
    AlwaysPullImages,
    DefaultTolerationSeconds,
    Priority,
    ServiceAccount,
    TaintNodesByCondition,
)
from provisioner.kube.apiserver.admission.policies import MutatingPolicies, ValidatingPolicies
from provisioner.kube.apiserver.admission.quota import ResourceQuota
from provisioner.kube.apiserver.admission.services import Services
from provisioner.kube.apiserver.admission.settings import AdmissionSettings
from provisioner.kube.apiserver.admission.simple import AlwaysDeny, DenyServiceExternalIPs
from provisioner.kube.apiserver.admission.times import Times
from provisioner.kube.apiserver.admission.volumes import PersistentVolumeClaimResize, StorageObjectInUseProtection
from provisioner.kube.apiserver.admission.webhooks import MutatingWebhooks, ValidatingWebhooks
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.authorization.rbac import Rbac
from provisioner.kube.apiserver.calls import Caller
from provisioner.kube.apiserver.custom.definitions import DefinitionDefaults
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.remote_review import Reviewer
from provisioner.kube.client.flags import Flags
from provisioner.kube.storage.cache import WatchCache
from provisioner.kube.storage.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """What plug-ins stand on."""

    cache: WatchCache
    store: Store
    registry: Registry
    rbac: Rbac
    authorizer: Authorizer
    expressions: Expressions
    caller: Caller
    certificates: Certificates
    times: Times


def _image_policy(settings: AdmissionSettings) -> list[Plugin]:
    if settings.image_policy is None or settings.image_reviews is None:
        return []
    return [ImagePolicyWebhook(settings.image_policy, Reviewer(settings.image_reviews))]


def plugins(flags: Flags, settings: AdmissionSettings, parts: Parts) -> list[Plugin]:
    cache = parts.cache
    everything: list[Plugin] = [
        NamespaceAutoProvision(cache, parts.store, parts.registry),
        NamespaceLifecycle(cache),
        NamespaceExists(cache),
        DefinitionDefaults(),
        ServiceAccount(cache),
        TaintNodesByCondition(),
        AlwaysPullImages(),
        PodNodeSelector(cache, settings.node_selectors),
        Priority(cache),
        DefaultTolerationSeconds(flags.default_not_ready_toleration_seconds, flags.default_unreachable_toleration_seconds),
        PodTolerationRestriction(cache),
        ExtendedResourceToleration(),
        StorageObjectInUseProtection(),
        LimitRanger(cache),
        RuntimeClass(cache),
        DefaultStorageClass(cache),
        DefaultIngressClass(cache),
        PodTopologyLabels(cache),
        MutatingPolicies(cache, parts.registry, parts.expressions),
        MutatingWebhooks(cache, parts.registry, parts.expressions, parts.caller, parts.times),
        CreateAuthorization(parts.authorizer),
        ValidatingPolicies(cache, parts.registry, parts.expressions),
        ValidatingWebhooks(cache, parts.registry, parts.expressions, parts.caller, parts.times),
        PodSecurity(cache, settings.pod_security),
        parts.certificates,
        ClusterTrustBundleAttest(parts.authorizer),
        AdminAccess(cache),
        ClaimStatusAuthorization(parts.authorizer),
        Escalation(parts.rbac, parts.authorizer),
        OwnerReferences(parts.registry, parts.authorizer),
        PersistentVolumeClaimResize(cache),
        PodResize(cache),
        NodeDeclaredFeatureValidator(cache),
        LimitPodHardAntiAffinityTopology(),
        DenyServiceExternalIPs(),
        NodeRestriction(cache),
        EventRateLimit(settings.event_limits),
        *_image_policy(settings),
        AlwaysDeny(),
        Services(cache, parts.store, flags.service_cluster_ip_range, flags.service_node_port_range),
        # Last: what it takes can't be given back.
        ResourceQuota(cache, parts.store),
    ]
    # The server's own, which upstream does not call plug-ins, have no name in the settings.
    return [plugin for plugin in everything if not plugin.optional or plugin.name in settings.enabled]
