"""kube-apiserver's flags, by upstream's names."""

from __future__ import annotations

from provisioner.kube.client.flags import FlagError, FlagSet, boolean, comma_list, duration, integer


def flag_set() -> FlagSet:
    flags = FlagSet("kube-apiserver", "serves the Kubernetes API on etcd")
    text, none = str, ""
    for name, default, help_ in (
        ("etcd-cafile", none, "CA of etcd's servers"),
        ("etcd-certfile", none, "our client certificate for etcd"),
        ("etcd-keyfile", none, "its key"),
        ("bind-address", "0.0.0.0", "where we listen"),
        ("advertise-address", none, "the address under which others reach us"),
        ("tls-cert-file", none, "serving certificate (default: one made at start)"),
        ("tls-private-key-file", none, "its key"),
        ("client-ca-file", none, "CA of client certificates"),
        ("requestheader-client-ca-file", none, "CA of front proxies"),
        ("proxy-client-cert-file", none, "our certificate towards aggregated API servers"),
        ("proxy-client-key-file", none, "its key"),
        ("service-cluster-ip-range", "10.96.0.0/16", "range of the services' addresses"),
        ("service-node-port-range", "30000-32767", "range of node ports"),
        ("service-account-issuer", "https://kubernetes.default.svc.cluster.local", "who signs service-account tokens"),
        ("service-account-signing-key-file", none, "the key that signs them"),
        ("token-auth-file", none, "static tokens: token,user,uid,groups"),
        ("kubelet-client-certificate", none, "our certificate towards kubelets"),
        ("kubelet-client-key", none, "its key"),
        ("kubelet-certificate-authority", none, "CA of the kubelets' serving certificates"),
    ):
        flags.add(name, text, default, help_)
    for name, values, help_ in (
        ("etcd-servers", ["http://127.0.0.1:2379"], "etcd's client addresses"),
        ("authorization-mode", ["AlwaysAllow"], "Node, RBAC, AlwaysAllow: asked in this order"),
        ("service-account-key-file", [], "keys that verify service-account tokens"),
        ("api-audiences", [], "audiences of our tokens (default: the issuer)"),
        ("enable-admission-plugins", [], "plug-ins beyond the default ones"),
        ("disable-admission-plugins", [], "default plug-ins to leave out"),
        ("requestheader-allowed-names", [], "names of front proxies"),
        ("requestheader-username-headers", ["X-Remote-User"], "where they say the user"),
        ("requestheader-group-headers", ["X-Remote-Group"], "where they say the groups"),
        ("requestheader-extra-headers-prefix", ["X-Remote-Extra-"], "where they say more"),
        ("kubelet-preferred-address-types", ["InternalIP"], "which of a node's addresses we use"),
        ("runtime-config", [], "taken for compatibility: everything that is not alpha is served"),
    ):
        flags.add(name, comma_list, values, help_)
    for name, number, help_ in (
        ("secure-port", 6443, "our port"),
        ("default-not-ready-toleration-seconds", 300, "how long pods bear a node that is not ready"),
        ("default-unreachable-toleration-seconds", 300, "how long pods bear a node that is away"),
    ):
        flags.add(name, integer, number, help_)
    flags.add("allow-privileged", boolean, True, "whether containers may be privileged")
    flags.add("anonymous-auth", boolean, True, "let requests without credentials in as system:anonymous")
    flags.add("enable-bootstrap-token-auth", boolean, False, "taken for compatibility")
    flags.add("event-ttl", duration, 3600.0, "how long events are kept")
    return flags


def node_port_range(text: str) -> tuple[int, int]:
    """`30000-32767`. Raises FlagError."""
    low, dash, high = text.partition("-")
    if not dash or not low.isdigit() or not high.isdigit() or not 0 < int(low) <= int(high) <= 65535:
        raise FlagError(f"--service-node-port-range={text}: expected low-high, like 30000-32767")
    return int(low), int(high)
