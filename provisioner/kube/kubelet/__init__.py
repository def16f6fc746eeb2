"""The node agent: makes the pods that are bound to this node run in Docker, and says how they are.

Watches its own pods, node and the services; talks to dockerd over its socket and to nobody else's containers. Pods' addresses come from
`provisioner.kube.network`. It refuses what it can't run with the reason in the pod's status, and never restarts a container that runs as it
should: a kubelet that starts again adopts what it finds.

    runtime/ Docker   pod/ one worker a pod: decide, act, report   volume/ pods' files   node/ this node's object   server/ the API on 10250
"""
