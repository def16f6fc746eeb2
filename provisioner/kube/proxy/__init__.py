"""kube-proxy: makes services answer on their cluster IPs and node ports, with nftables maps, and keeps the routes between hosts' pods.

    Services, EndpointSlices --> services.py (what each port leads to) --> nftables.py (tables as text, and their difference) --> nft
    Nodes                    --> provisioner.kube.network.routes       --> ip route

A packet meets one map lookup, whatever the number of services; a change of a service rewrites that service's own chain and no more.
Talks to the API server alone, with upstream's objects, so that it serves beside Go's control plane as well. IPv4.
"""
