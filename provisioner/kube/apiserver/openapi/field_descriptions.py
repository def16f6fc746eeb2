"""What `kubectl explain` says of kinds and of the fields that people ask about most, in our own words.

A line for each type: `type: what it is`, then its fields indented. What is not here has no description.
"""

from __future__ import annotations

from functools import lru_cache

TEXT = """
core_v1.Pod: Pod is a collection of containers that run on a host. Clients create it, the scheduler gives it a node.
core_v1.PodSpec: PodSpec is a description of a pod.
  activeDeadlineSeconds: Seconds that the pod may be active on its node, counted from its start, before the system ends it as failed.
  affinity: The pod's scheduling constraints beyond nodeSelector.
  automountServiceAccountToken: Whether a token of the service account is mounted into the containers.
  containers: List of containers that belong to the pod. There must be at least one. Containers can't be added or removed later.
  dnsConfig: Parameters of the containers' resolv.conf, merged with what dnsPolicy gives.
  dnsPolicy: How names are resolved: ClusterFirst (the default), ClusterFirstWithHostNet, Default (as the node does) or None (dnsConfig alone).
  enableServiceLinks: Whether the services of the pod's namespace are in the containers' environment. Defaults to true.
  ephemeralContainers: Containers that were added to the running pod for debugging. Set through the pod's ephemeralcontainers subresource alone.
  hostAliases: Further lines for the containers' /etc/hosts.
  hostIPC: Use the host's IPC namespace. Defaults to false.
  hostNetwork: Use the host's network namespace; the ports that the containers listen on are then the host's. Defaults to false.
  hostPID: Use the host's process namespace. Defaults to false.
  hostname: The pod's own host name; without one, the pod's name.
  imagePullSecrets: Secrets in the pod's namespace that images are pulled with.
  initContainers: Containers that run one after the other, each to its end, before the others start. With restartPolicy Always one is a sidecar.
  nodeName: The node that the pod is bound to. Empty until the scheduler, or whoever creates the pod, has chosen one.
  nodeSelector: Labels that a node must have for the pod to fit on it.
  os: The operating system of the pod's containers.
  overhead: Resources that running the pod takes beside its containers' own; comes from the RuntimeClass.
  preemptionPolicy: Whether pods of lower priority may be preempted for this one: Never or PreemptLowerPriority (the default).
  priority: The pod's priority, from its priority class. The higher the more important.
  priorityClassName: Name of the PriorityClass that gives the pod its priority.
  readinessGates: Conditions of the pod that must be true, too, for it to be ready.
  resources: Requests and limits of the whole pod.
  restartPolicy: What happens to containers that end: Always (the default), OnFailure or Never.
  runtimeClassName: Name of the RuntimeClass to run the pod with; without one, the node's default handler.
  schedulerName: The scheduler that places the pod; without one, default-scheduler.
  schedulingGates: While there are any, the scheduler does not try to place the pod. They can only be removed.
  securityContext: Security attributes of the pod, and defaults for its containers.
  serviceAccountName: Name of the ServiceAccount that the pod acts as.
  setHostnameAsFQDN: Whether the containers' host name is the pod's fully qualified name.
  shareProcessNamespace: Whether the containers see each other's processes. Defaults to false.
  subdomain: With it the pod's full name is hostname.subdomain.namespace.svc.domain.
  terminationGracePeriodSeconds: Seconds that the containers have to end after they are asked to, before they are killed. Defaults to 30.
  tolerations: Taints of nodes that the pod bears.
  topologySpreadConstraints: How pods of the same labels are spread over zones, nodes or other domains.
  volumes: List of volumes that the pod's containers can mount.
core_v1.PodStatus: PodStatus is what is known of the state of a pod; it may lag behind the truth.
  conditions: The pod's conditions: PodScheduled, Initialized, ContainersReady, Ready and others.
  containerStatuses: The state of each container.
  hostIP: Address of the host that the pod is on.
  message: Why the pod is in this state, for people.
  nominatedNodeName: The node where room is being made for the pod.
  phase: Where in its life the pod is: Pending, Running, Succeeded, Failed or Unknown.
  podIP: The pod's address, once it has one.
  qosClass: The pod's quality of service: Guaranteed, Burstable or BestEffort.
  reason: Why the pod is in this state, in one CamelCase word.
  startTime: When the kubelet took the pod up.
core_v1.Container: A single application container that runs in a pod.
  args: Arguments to the entrypoint; without them, the image's CMD. $(NAME) stands for an environment variable.
  command: The entrypoint, not run in a shell; without it, the image's ENTRYPOINT. $(NAME) stands for an environment variable.
  env: List of environment variables.
  envFrom: Sources of environment variables: every key of a ConfigMap or Secret becomes one.
  image: Name of the container's image.
  imagePullPolicy: When the image is pulled: Always, Never or IfNotPresent. Defaults to Always for the tag latest, else to IfNotPresent.
  lifecycle: What the system does right after the container's start and right before its end.
  livenessProbe: Periodic probe of the container's health: it is restarted when the probe fails.
  name: Name of the container, a DNS label, unique in its pod.
  ports: Ports that the container listens on, for information and for names; leaving one out does not close it.
  readinessProbe: Periodic probe of the container's readiness: the pod gets no traffic of services while it fails.
  resizePolicy: What resizing each resource does to the container.
  resources: Compute resources that the container needs and may use at most.
  restartPolicy: Restart policy of this container alone; for an init container Always makes it a sidecar.
  restartPolicyRules: Rules by exit code that come before the restart policy.
  securityContext: Security options that the container runs with; they win over the pod's.
  startupProbe: Probe that must succeed once before the other probes begin; the container is restarted when it fails.
  stdin: Whether the container's standard input is kept open. Defaults to false.
  stdinOnce: Whether standard input is closed after the first who attached leaves.
  terminationMessagePath: File whose content becomes the container's last message. Defaults to /dev/termination-log.
  terminationMessagePolicy: Where the last message comes from: File (the default) or FallbackToLogsOnError.
  tty: Whether the container has a terminal; needs stdin. Defaults to false.
  volumeDevices: Block devices that the container uses.
  volumeMounts: Volumes that are mounted into the container's file system.
  workingDir: The container's working directory; without it, the image's.
core_v1.ContainerPort: ContainerPort is a network port of one container.
  containerPort: Number of the port on the pod's address, from 1 to 65535.
  hostIP: The host's address that the host port is bound to.
  hostPort: Port of the host that leads to this one. Most containers need none.
  name: Name of the port, unique in its pod, which services may refer to.
  protocol: UDP, TCP or SCTP. Defaults to TCP.
core_v1.EnvVar: EnvVar is an environment variable of a container.
  name: Name of the variable.
  value: Its value. $(NAME) stands for a variable before this one, $$ for a dollar sign.
  valueFrom: Where the value comes from, instead of value.
core_v1.Probe: Probe is a check of a container that is made again and again.
  exec: A command to run in the container; it succeeds with exit code 0.
  failureThreshold: Failures in a row that count as a failure. Defaults to 3.
  grpc: A call of the gRPC health checking protocol.
  httpGet: A request that succeeds with a status from 200 to 399.
  initialDelaySeconds: Seconds after the container's start before the first check.
  periodSeconds: Seconds between checks. Defaults to 10.
  successThreshold: Successes in a row that count as a success after a failure. Defaults to 1.
  tcpSocket: A connection to a port.
  terminationGracePeriodSeconds: The grace period of a container that this probe ends, instead of the pod's.
  timeoutSeconds: Seconds after which a check has failed. Defaults to 1.
core_v1.GRPCAction: GRPCAction is a call of the gRPC health checking protocol.
  port: Number of the port that the service listens on, from 1 to 65535.
  service: Name of the service that is asked about. Defaults to the empty name: the server as a whole.
core_v1.HTTPGetAction: HTTPGetAction is a request by HTTP.
  host: Host to connect to. Defaults to the pod's address; for another virtual host set the header Host instead.
  httpHeaders: Headers of the request; a name may be there more than once.
  path: Path that is asked for. Defaults to /.
  port: Number of the port, or the name of one of the container's.
  scheme: HTTP (the default) or HTTPS. Certificates are not verified.
core_v1.TCPSocketAction: TCPSocketAction is an attempt to connect to a port.
  host: Host to connect to. Defaults to the pod's address.
  port: Number of the port, or the name of one of the container's.
core_v1.ExecAction: ExecAction is a command that is run in the container.
  command: The program and its arguments. It runs in the root of the container's file system, without a shell.
core_v1.SleepAction: SleepAction is a pause.
  seconds: How long it lasts.
core_v1.Lifecycle: Lifecycle is what is done when a container starts and before it ends.
  postStart: Done right after the container was made. When it fails, the container ends and is restarted as its policy says.
  preStop: Done before the container is ended by the API or by a failed probe, not when it ends by itself. The grace period counts meanwhile.
  stopSignal: The signal that the container is stopped with; needs os.name. Defaults to the image's, or SIGTERM.
core_v1.LifecycleHandler: LifecycleHandler is one thing that is done at a moment of a container's life.
  exec: A command to run in the container.
  httpGet: A request to make.
  sleep: A pause.
  tcpSocket: Not supported, and kept for older clients.
core_v1.ContainerResizePolicy: ContainerResizePolicy says what the resizing of a resource does to the container.
  resourceName: The resource: cpu or memory.
  restartPolicy: NotRequired (the default) or RestartContainer.
core_v1.ContainerRestartRule: ContainerRestartRule says what is done when a container ends in a certain way.
  action: Restart for this container, RestartAllContainers for the whole pod in its place.
  exitCodes: The exit codes that the rule is for.
core_v1.ContainerRestartRuleOnExitCodes: ContainerRestartRuleOnExitCodes chooses exit codes.
  operator: In or NotIn.
  values: The codes, at most 255 of them.
core_v1.FileKeySelector: FileKeySelector chooses a variable of a file in a volume.
  key: Name of the variable in the file.
  optional: Whether the file and the variable may be missing. Defaults to false.
  path: The file's path within the volume.
  volumeName: Name of the volume, an emptyDir.
core_v1.ResourceRequirements: ResourceRequirements says what is needed and what may be used at most.
  claims: Names of the pod's resourceClaims that this container uses.
  limits: The most of each resource that may be used.
  requests: What is needed of each resource; without it, the limit.
core_v1.Volume: Volume is a directory of a pod, or a device, that its containers may mount.
  configMap: A ConfigMap whose keys are the volume's files.
  downwardAPI: Facts about the pod as files.
  emptyDir: A directory that lives as long as its pod.
  hostPath: A file or directory of the host.
  name: Name of the volume, a DNS label, unique in its pod.
  persistentVolumeClaim: A claim in the pod's namespace.
  projected: Several sources in one directory.
  secret: A Secret whose keys are the volume's files.
core_v1.ClusterTrustBundleProjection: ClusterTrustBundleProjection puts trust anchors into a file of the volume.
  labelSelector: Of the signer's bundles, those that are chosen.
  name: Name of one bundle; instead of signerName.
  optional: Whether the pod may start when there is no bundle.
  path: The file's path within the volume.
  signerName: The signer whose bundles are joined; instead of name.
core_v1.PodCertificateProjection: PodCertificateProjection puts a key and its certificate, kept fresh by the kubelet, into files of the volume.
  certificateChainPath: Where the certificates alone are put.
  credentialBundlePath: Where key and certificates are put in one file, which changes as a whole.
  keyPath: Where the key alone is put.
  keyType: The kind of key: RSA3072, RSA4096, ECDSAP256, ECDSAP384, ECDSAP521 or ED25519.
  maxExpirationSeconds: The longest life of the certificate, from an hour to 91 days. Defaults to a day.
  signerName: Who is asked for the certificate.
  userAnnotations: Notes for the signer, whose meaning it says.
core_v1.VolumeMount: VolumeMount is the mounting of a volume into a container.
  mountPath: Path in the container where the volume is mounted.
  name: Name of the volume.
  readOnly: Whether the volume is mounted read-only. Defaults to false.
  subPath: Path within the volume that is mounted, instead of its root.
  subPathExpr: As subPath, with environment variables as $(NAME).
core_v1.Service: Service is a named abstraction of what answers on a port, and of how it is reached.
core_v1.ServiceSpec: ServiceSpec describes what a service is.
  clusterIP: The service's address in the cluster, usually assigned by the system; None for a headless service.
  externalIPs: Addresses for which nodes take traffic for this service, too. They are not managed by the cluster.
  externalName: The name that an ExternalName service is an alias of.
  externalTrafficPolicy: Where traffic from outside goes: Cluster (everywhere) or Local (endpoints on the node itself).
  internalTrafficPolicy: Where traffic to the cluster IP goes: Cluster or Local.
  ports: The ports that the service offers.
  publishNotReadyAddresses: Whether endpoints count that are not ready.
  selector: Traffic goes to pods with these labels. Without a selector others manage the endpoints.
  sessionAffinity: ClientIP or None: whether a client keeps to one endpoint. Defaults to None.
  trafficDistribution: A preference for endpoints that are near.
  type: How the service is reached: ClusterIP (the default), NodePort, LoadBalancer or ExternalName.
core_v1.ServicePort: ServicePort is a port of a service.
  appProtocol: The application's protocol on this port.
  name: Name of the port; needed where there are several.
  nodePort: Port of every node that leads here, for the types NodePort and LoadBalancer.
  port: The port that the service offers.
  protocol: TCP, UDP or SCTP. Defaults to TCP.
  targetPort: Number or name of the port of the pods. Defaults to port.
core_v1.ConfigMap: ConfigMap holds configuration data for pods to consume.
  binaryData: Binary data, base64 encoded. Keys must not be in data, too.
  data: Configuration data: each key is a name of letters, digits, '-', '_' or '.', each value UTF-8 text.
  immutable: Whether the data can't be changed any more. It can't be unset.
core_v1.Secret: Secret holds secret data of a certain type, at most 1 MiB together.
  data: The secret data, base64 encoded: each key is a name of letters, digits, '-', '_' or '.'.
  immutable: Whether the data can't be changed any more. It can't be unset.
  stringData: Data that is written as text and put into data. Never read back.
  type: What kind of secret it is, for programs.
core_v1.Namespace: Namespace provides a scope for names.
core_v1.Node: Node is a worker of the cluster.
core_v1.Event: Event is a report of something that happened in the cluster. It lives for a limited time.
core_v1.Endpoints: Endpoints is the older form of EndpointSlice: the addresses that implement a service.
core_v1.LimitRange: LimitRange sets limits on the resources of each object in a namespace.
core_v1.ResourceQuota: ResourceQuota sets limits on what a namespace uses altogether.
core_v1.PersistentVolume: PersistentVolume is a piece of storage of the cluster.
core_v1.PersistentVolumeClaim: PersistentVolumeClaim is a user's request for and claim to a persistent volume.
core_v1.PodTemplate: PodTemplate describes a template for copies of a pod.
core_v1.ReplicationController: ReplicationController keeps a number of pods of one kind running.
core_v1.ServiceAccount: ServiceAccount is an identity for what runs in pods.
apps_v1.Deployment: Deployment enables declarative updates for Pods and ReplicaSets.
apps_v1.DeploymentSpec: DeploymentSpec is the wanted behaviour of a Deployment.
  minReadySeconds: Seconds that a new pod must be ready for before it counts as available. Defaults to 0.
  paused: Whether the deployment is paused: changes of the template are not rolled out.
  progressDeadlineSeconds: Seconds without progress after which the deployment has failed to progress. Defaults to 600.
  replicas: Number of wanted pods. Defaults to 1.
  revisionHistoryLimit: Number of old ReplicaSets that are kept to go back to. Defaults to 10.
  selector: Label selector for the deployment's pods; it must match the template's labels and can't be changed.
  strategy: How pods are replaced by new ones.
  template: Template of the pods that are created.
apps_v1.ReplicaSet: ReplicaSet ensures that a specified number of pod replicas are running at any given time.
apps_v1.StatefulSet: StatefulSet represents a set of pods with consistent identities: stable names and storage.
apps_v1.StatefulSetSpec: A StatefulSetSpec is the specification of a StatefulSet.
  ordinals: How the pods are numbered.
  persistentVolumeClaimRetentionPolicy: What becomes of the claims when the set is deleted or scaled down.
  podManagementPolicy: OrderedReady (the default) or Parallel.
  replicas: Number of wanted pods. Defaults to 1.
  selector: Label selector for the set's pods; it must match the template's labels and can't be changed.
  serviceName: Name of the headless service that gives the pods their names.
  template: Template of the pods that are created.
  updateStrategy: How pods are replaced when the template changes.
  volumeClaimTemplates: Claims that each pod gets of its own.
apps_v1.DaemonSet: DaemonSet runs a copy of a pod on every node that it suits.
apps_v1.ControllerRevision: ControllerRevision is an immutable snapshot of state, which DaemonSets and StatefulSets go back to.
batch_v1.Job: Job represents the configuration of a single job.
batch_v1.JobSpec: JobSpec describes how the job execution will look like.
  activeDeadlineSeconds: Seconds that the job may be active before the system ends it.
  backoffLimit: Number of retries before the job has failed. Defaults to 6.
  backoffLimitPerIndex: The same for each index of an Indexed job.
  completionMode: NonIndexed (the default) or Indexed.
  completions: Number of pods that must succeed.
  parallelism: The most pods that run at once.
  podFailurePolicy: What failed pods mean, by exit code or condition.
  podReplacementPolicy: When a pod that fails is replaced: TerminatingOrFailed or Failed.
  successPolicy: When an Indexed job has succeeded before all its indexes have.
  suspend: Whether the job's pods are not to run for now.
  template: Template of the pods that are created.
  ttlSecondsAfterFinished: Seconds after its end that the job is deleted.
batch_v1.CronJob: CronJob represents the configuration of a single cron job.
batch_v1.CronJobSpec: CronJobSpec describes how the job execution will look like and when it will actually run.
  concurrencyPolicy: What happens when the last job still runs: Allow (the default), Forbid or Replace.
  failedJobsHistoryLimit: Number of failed jobs that are kept. Defaults to 1.
  jobTemplate: The job that is created when executing a CronJob.
  schedule: When to run, in Cron format.
  startingDeadlineSeconds: Seconds that a job may start late; after them it is missed.
  successfulJobsHistoryLimit: Number of successful jobs that are kept. Defaults to 3.
  suspend: Whether no further jobs are started for now.
  timeZone: The time zone of the schedule; without one, the controller manager's.
autoscaling_v2.HorizontalPodAutoscaler: HorizontalPodAutoscaler sets the number of replicas of a resource by metrics.
networking_v1.Ingress: Ingress is a collection of rules that let connections from outside reach services.
networking_v1.IngressClass: IngressClass represents the class of an Ingress: which controller implements it.
networking_v1.NetworkPolicy: NetworkPolicy describes what network traffic is allowed for a set of pods.
policy_v1.PodDisruptionBudget: PodDisruptionBudget limits how many pods of a set may be down by eviction at once.
rbac_v1.Role: Role is a namespaced collection of rules that can be referred to by a RoleBinding.
rbac_v1.ClusterRole: ClusterRole is a collection of rules for the whole cluster that bindings can refer to.
rbac_v1.RoleBinding: RoleBinding gives the rules of a role to subjects, within its namespace.
rbac_v1.ClusterRoleBinding: ClusterRoleBinding gives the rules of a ClusterRole to subjects, everywhere.
scheduling_v1.PriorityClass: PriorityClass maps the name of a priority to its value.
storage_v1.StorageClass: StorageClass describes the parameters of a kind of storage that volumes can be provisioned from.
coordination_v1.Lease: Lease is a claim to something for a time, such as to being the leader.
discovery_v1.EndpointSlice: EndpointSlice is a set of addresses that implement a service.
node_v1.RuntimeClass: RuntimeClass is a way to run containers that the cluster supports.
certificates_v1.CertificateSigningRequest: CertificateSigningRequest asks for an x509 certificate and waits for it to be approved and signed.
apiextensions_v1.CustomResourceDefinition: CustomResourceDefinition represents a resource that should be exposed on the API server.
apiregistration_v1.APIService: APIService represents a server for a particular group and version.
admissionregistration_v1.ValidatingWebhookConfiguration: Webhooks that may refuse requests, and what they are asked about.
admissionregistration_v1.MutatingWebhookConfiguration: Webhooks that may change objects, and what they are asked about.
admissionregistration_v1.ValidatingAdmissionPolicy: ValidatingAdmissionPolicy describes rules, in CEL, that objects must meet.
core_v1.Binding: Binding ties one object to another: a pod to its node.
core_v1.ComponentStatus: ComponentStatus holds what the cluster's components say of their health. Deprecated.
events_v1.Event: Event is a report of an event somewhere in the cluster: a change of state that somebody tells of.
admissionregistration_v1.ValidatingAdmissionPolicyBinding: ValidatingAdmissionPolicyBinding says where a policy holds, and with which parameters.
admissionregistration_v1.MutatingAdmissionPolicy: MutatingAdmissionPolicy describes, in CEL, how objects are changed when they are admitted.
admissionregistration_v1.MutatingAdmissionPolicyBinding: MutatingAdmissionPolicyBinding says where a policy holds, and with which parameters.
authentication_v1.SelfSubjectReview: SelfSubjectReview tells who asks it what the server knows of them.
authentication_v1.TokenReview: TokenReview asks whose a token is, and whether it holds.
authorization_v1.LocalSubjectAccessReview: LocalSubjectAccessReview asks whether a user or group may do something in one namespace.
authorization_v1.SelfSubjectAccessReview: SelfSubjectAccessReview asks whether who asks it may do something.
authorization_v1.SelfSubjectRulesReview: SelfSubjectRulesReview lists what who asks it may do in a namespace.
authorization_v1.SubjectAccessReview: SubjectAccessReview asks whether a user or group may do something.
certificates_v1beta1.ClusterTrustBundle: ClusterTrustBundle holds trust anchors, X.509 certificates, for the whole cluster.
certificates_v1beta1.PodCertificateRequest: PodCertificateRequest asks a signer for a pod's certificate. Kubelets make them for podCertificate volumes.
coordination_v1beta1.LeaseCandidate: LeaseCandidate names who would hold a Lease, so that the best of them is chosen.
flowcontrol_v1.FlowSchema: FlowSchema says which requests are a flow, and at which priority level they are served.
flowcontrol_v1.PriorityLevelConfiguration: PriorityLevelConfiguration says how many requests of a priority level are served at once, and which wait.
networking_v1.IPAddress: IPAddress is an address that is taken, and by which object. Its name is the address.
networking_v1.ServiceCIDR: ServiceCIDR is a range of addresses that services get theirs from.
resource_v1.DeviceClass: DeviceClass describes a kind of devices that claims can ask for: how they are selected and configured.
resource_v1.ResourceClaim: ResourceClaim asks for devices, and tells which ones were given and who uses them.
resource_v1.ResourceClaimTemplate: ResourceClaimTemplate is what claims that are made for pods begin as.
resource_v1.ResourceSlice: ResourceSlice lists devices of one driver, of a node or of several.
resource_v1beta2.DeviceTaintRule: DeviceTaintRule gives a taint to all devices that it selects.
storage_v1.CSIDriver: CSIDriver tells what a CSI driver in the cluster can do and needs.
storage_v1.CSINode: CSINode tells which CSI drivers a node has.
storage_v1.CSIStorageCapacity: CSIStorageCapacity tells how much room a storage class has left in a part of the cluster.
storage_v1.VolumeAttachment: VolumeAttachment asks for a volume to be attached to a node, or detached, and tells whether it is.
storage_v1.VolumeAttributesClass: VolumeAttributesClass describes attributes that volumes of a CSI driver can be changed to.
storagemigration_v1beta1.StorageVersionMigration: StorageVersionMigration has all objects of a resource written again, in its present storage version.
meta_v1.ObjectMeta: ObjectMeta is metadata that all persisted resources must have.
meta_v1.LabelSelector: A label selector is a query over a set of resources: all of matchLabels and matchExpressions must hold.
  matchExpressions: Requirements on labels with an operator.
  matchLabels: Labels that must be there with these values.
"""


@lru_cache(maxsize=1)
def _parsed() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    for line in TEXT.strip().splitlines():
        name, _, text = line.strip().partition(": ")
        if line.startswith("  "):
            fields[name] = text
        else:
            fields = found[name] = {"": text}
    return found


def _unversioned(type_name: str) -> tuple[str, str]:
    module, _, name = type_name.partition(".")
    return module.rpartition("_")[0], name


@lru_cache(maxsize=1)
def _of_any_version() -> dict[tuple[str, str], dict[str, str]]:
    return {_unversioned(name): fields for name, fields in _parsed().items()}


def described(type_name: str, field: str = "") -> str:
    """Of a field of a type ("core_v1.PodSpec"), or of the type itself; "" where there is none. Other versions of a group stand in for a type's own."""
    own = _parsed().get(type_name)
    return (own if own is not None else _of_any_version().get(_unversioned(type_name), {})).get(field, "")
