"""kube-scheduler: gives each pod without a node the best node that can take it.

    informers -> queue.py (what to try next) -> facts.py (a pod, decoded once) -> filters.py, scores.py over nodes.py's columns
              -> decide.py (node, or why not; who would have to go) -> __main__.py (assume, bind, event)

Nodes are rows, resources are columns of NumPy arrays: a filter is a mask over all nodes, a score is a vector. Everything but `__main__`
is pure. Reads and writes the documented API only, so it serves a Go control plane too. Vocabulary as upstream's scheduling framework.
"""
