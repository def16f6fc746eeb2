"""kube-apiserver: the Kubernetes API over HTTP, on the watch cache and etcd.

    app.py             a request's way: authenticate, authorize, find the resource, answer; errors become Status
    requests.py        what a path and its query ask for; negotiation.py: in which form the answer is wanted
    rest.py            the verbs on stored objects; lists.py, writes.py, watches.py: what they answer with
    quick/             the short way that small requests take through the same decisions
    authentication/    who asks                  authorization/  whether they may          fairness/  who waits
    admission/         what is filled in or refused on the way in                          audit/     what is told of it
    subresources/      everything below an object                                          usage/     metrics.k8s.io
    custom/            kinds that definitions bring                                        aggregation/  kinds that other servers serve
    discovery.py, openapi/  what there is, and what it looks like
    bootstrap/         what a cluster is born with
    options.py, settings.py, server.py  from flags to a listening server

Objects are Structs only on the way in; on the way out they are the bytes that the cache holds. Nothing here knows the other daemons:
they meet through this API.
"""
