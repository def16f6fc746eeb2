"""metrics.k8s.io/v1beta1: how much CPU and memory nodes and pods use, for `kubectl top` and for autoscalers.

Asks each kubelet's /metrics/resource, as upstream's metrics-server does, and only while somebody wants to know. Nothing of it is stored. An APIService
of the same name that names another server (metrics-server's) takes its place.
"""
