"""What each controller of the controller manager may do: the rules of system:controller:<name>, in the notation of bootstrap_roles."""

from __future__ import annotations

CONTROLLERS: dict[str, str] = {
    "attachdetach-controller": """
list,watch @ core: persistentvolumeclaims persistentvolumes
get,list,watch @ core: nodes
patch,update @ core: nodes/status
list,watch @ core: pods
create,delete,get,list,watch @ storage.k8s.io: volumeattachments
read @ storage.k8s.io: csidrivers csinodes""",
    "certificate-controller": """
get,list,watch,delete @ certificates.k8s.io: certificatesigningrequests
update @ certificates.k8s.io: certificatesigningrequests/approval certificatesigningrequests/status
approve @ certificates.k8s.io: signers = kubernetes.io/kube-apiserver-client-kubelet
sign @ certificates.k8s.io: signers = kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown
create @ authorization.k8s.io: subjectaccessreviews""",
    "clusterrole-aggregation-controller": "escalate,get,list,patch,update,watch @ rbac.authorization.k8s.io: clusterroles",
    "cronjob-controller": """
get,list,patch,update,watch @ batch: cronjobs
create,delete,get,list,patch,update,watch @ batch: jobs
patch,update @ batch: cronjobs/status
update @ batch: cronjobs/finalizers
list,delete @ core: pods""",
    "daemon-set-controller": """
read @ apps: daemonsets
update @ apps: daemonsets/status daemonsets/finalizers
list,watch @ core: nodes
create,delete,get,list,patch,watch @ core: pods
create @ core: pods/binding
create,delete,get,list,patch,update,watch @ apps: controllerrevisions""",
    "deployment-controller": """
get,list,update,watch @ apps: deployments
update @ apps: deployments/status deployments/finalizers
create,delete,get,list,patch,update,watch @ apps: replicasets
get,list,update,watch @ core: pods""",
    "disruption-controller": """
read @ apps: deployments replicasets statefulsets
read @ core: replicationcontrollers pods
read @ policy: poddisruptionbudgets
update @ policy: poddisruptionbudgets/status
patch,update @ core: pods/status
get @ *: */scale""",
    "endpoint-controller": """
read @ core: pods services
create,delete,get,list,update @ core: endpoints
create @ core: endpoints/restricted""",
    "endpointslice-controller": """
read @ core: nodes pods services
update @ core: services/finalizers
create,delete,get,list,update @ discovery.k8s.io: endpointslices
create @ discovery.k8s.io: endpointslices/restricted""",
    "endpointslicemirroring-controller": """
read @ core: endpoints services
update @ core: services/finalizers endpoints/finalizers
create,delete,get,list,update @ discovery.k8s.io: endpointslices
create @ discovery.k8s.io: endpointslices/restricted""",
    "ephemeral-volume-controller": """
update @ core: pods/finalizers
read @ core: pods
create,get,list,watch @ core: persistentvolumeclaims""",
    "expand-controller": """
get,list,patch,update,watch @ core: persistentvolumes
patch,update @ core: persistentvolumeclaims/status
read @ core: persistentvolumeclaims""",
    "generic-garbage-collector": "delete,get,list,patch,update,watch @ *: *",
    "horizontal-pod-autoscaler": """
read @ autoscaling: horizontalpodautoscalers
update @ autoscaling: horizontalpodautoscalers/status
get,update @ *: */scale
list @ core: pods
list @ metrics.k8s.io: pods
get,list @ custom.metrics.k8s.io: *
get,list @ external.metrics.k8s.io: *""",
    "job-controller": """
get,list,patch,update,watch @ batch: jobs
update @ batch: jobs/status jobs/finalizers
create,delete,get,list,patch,watch @ core: pods""",
    "legacy-service-account-token-cleaner": """
get @ core: configmaps = kube-apiserver-legacy-service-account-token-tracking
delete,patch @ core: secrets""",
    "namespace-controller": """
delete,get,list,watch @ core: namespaces
update @ core: namespaces/finalize namespaces/status
delete,deletecollection,get,list @ *: *""",
    "node-controller": """
delete,get,list,patch,update @ core: nodes
patch,update @ core: nodes/status
patch,update @ core: pods/status
delete,get,list @ core: pods
create,get,list,update @ networking.k8s.io: ipaddresses""",
    "persistent-volume-binder": """
create,delete,get,list,update,watch @ core: persistentvolumes
update @ core: persistentvolumes/status persistentvolumeclaims/status
get,list,update,watch @ core: persistentvolumeclaims
create,delete,get,list,watch @ core: pods
read @ storage.k8s.io: storageclasses
get,list @ core: nodes""",
    "pod-garbage-collector": """
delete,list,watch @ core: pods
get,list @ core: nodes
patch @ core: pods/status""",
    "pv-protection-controller": "get,list,update,watch @ core: persistentvolumes",
    "pvc-protection-controller": """
get,list,update,watch @ core: persistentvolumeclaims
read @ core: pods""",
    "replicaset-controller": """
get,list,update,watch @ apps: replicasets
update @ apps: replicasets/status replicasets/finalizers
create,delete,get,list,patch,watch @ core: pods""",
    "replication-controller": """
get,list,update,watch @ core: replicationcontrollers
update @ core: replicationcontrollers/status replicationcontrollers/finalizers
create,delete,get,list,patch,watch @ core: pods""",
    "resourceclaim-controller": """
read @ core: pods
get,list,watch,create,delete @ resource.k8s.io: resourceclaims
read @ resource.k8s.io: resourceclaimtemplates
patch,update @ resource.k8s.io: resourceclaims/status resourceclaims/binding
update @ core: pods/finalizers
patch @ core: pods/status""",
    "resourcequota-controller": """
list,watch @ *: *
update @ core: resourcequotas/status""",
    "root-ca-cert-publisher": "create,update @ core: configmaps",
    "route-controller": """
list,watch @ core: nodes
patch @ core: nodes/status""",
    "selinux-warning-controller": "read @ core: pods persistentvolumes persistentvolumeclaims\nread @ storage.k8s.io: csidrivers",
    "service-account-controller": "create @ core: serviceaccounts",
    "service-controller": """
read @ core: services
patch,update @ core: services/status
list,watch @ core: nodes""",
    "service-cidrs-controller": """
get,list,patch,update,watch @ networking.k8s.io: servicecidrs
patch,update @ networking.k8s.io: servicecidrs/finalizers servicecidrs/status
get,list,watch @ networking.k8s.io: ipaddresses""",
    "statefulset-controller": """
list,watch @ core: pods
read @ apps: statefulsets
update @ apps: statefulsets/status statefulsets/finalizers
create,delete,get,patch,update @ core: pods
create,delete,get,list,patch,update,watch @ apps: controllerrevisions
create,get,patch,update,watch,delete @ core: persistentvolumeclaims""",
    "taint-eviction-controller": """
get,list @ core: nodes
patch,update @ core: pods/status
delete,get,list @ core: pods""",
    "ttl-after-finished-controller": "delete,get,list,watch @ batch: jobs",
    "ttl-controller": "list,patch,update,watch @ core: nodes",
    "validatingadmissionpolicy-status-controller": """
get,list,patch,update,watch @ admissionregistration.k8s.io: validatingadmissionpolicies
get,patch,update @ admissionregistration.k8s.io: validatingadmissionpolicies/status""",
}
