"""The kubelet's own API on port 10250: logs, exec, attach, port-forward, pods, statistics. For the API server, and whoever it lets in."""
