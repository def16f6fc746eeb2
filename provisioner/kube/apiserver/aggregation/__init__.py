"""Aggregation: API groups that other servers serve, reached through this one (apiregistration.k8s.io/v1).

    services.py   follows the APIServices: which group and version is whose, and whether its server answers
    forward.py    passes requests on, with our certificate and the user's name
    documents.py  discovery and OpenAPI of all servers as one
    local.py      the APIServices of what this server serves itself

A remote server is found through its Service's endpoints, so that it is reached from hosts without kube-proxy too.
"""
