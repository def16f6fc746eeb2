"""kube-apiserver: the Kubernetes API over HTTP, on the watch cache and etcd.

    app.py        a request's way: authenticate, authorize, find the resource, answer; errors become Status
    requests.py   what a path and its query ask for             negotiation.py  in which form the answer is wanted
    rest.py       the verbs on stored objects                   watches.py      streams of changes
    admission/    what is filled in or refused on the way in    subresources/   everything below an object
    authn.py, rbac.py, node_authorizer.py                       discovery.py, openapi.py

Objects are Structs only on the way in; on the way out they are the bytes that the cache holds. Nothing here knows the other daemons:
they meet through this API.
"""
