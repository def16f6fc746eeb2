"""The pod network: one routed address for each pod, and a way for packets from any host to any pod.

A pod is plugged in with a veth pair and a host route to its one address; there is no bridge, so every packet between pods passes the host's
routing and its nftables rules, on one host as between two (no br_netfilter needed). Hosts reach each other's pod ranges by plain routes on
one segment, by VXLAN across segments. Used by the kubelet (podnet) and kube-proxy (routes); imports nothing but the API's types.
"""
