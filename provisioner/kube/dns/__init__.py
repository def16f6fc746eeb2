"""Cluster DNS: answers the names of Services and Pods as the Kubernetes DNS specification 1.1.0 describes.

`zone` decides an answer purely from what is known of Services and EndpointSlices; `server` speaks DNS over UDP and TCP and
forwards every other name to the host's resolvers; `__main__` is the daemon, fed by informers. It runs on the masters'
own addresses behind the Service `kube-dns` in kube-system. It never writes anything but that Service and its own
EndpointSlice, and it never guesses: a name inside the cluster's domain that nothing is known of is NXDOMAIN.
"""
