"""API priority and fairness: no client can starve the others of this server (flowcontrol.apiserver.k8s.io/v1).

    matching.py    which FlowSchema, and so which priority level and flow, a request belongs to
    levels.py      one priority level: seats, shuffle-sharded queues, fair dispatching
    shares.py      how many seats each level has, and lends to the others
    controller.py  follows the objects, lets requests in, writes conditions, tells metrics
    mandatory.py   the objects that a cluster is born with

A request that finds a free seat and nobody waiting costs two dictionary look-ups.
"""
