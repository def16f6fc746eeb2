"""kube-controller-manager: the loops that make what is into what is wanted. One file a controller, under upstream's names.

Each has a pure part, `decide(snapshot) -> plan`, and a thin shell: informers put keys into a queue, `reconcile(key)` reads the informers'
stores, decides and writes. Reconciling is level-triggered and may be repeated at any time. All of them run in one process, which acts only
while it holds the lease kube-system/kube-controller-manager. Vocabulary as upstream's: owner, controller reference, expectations, adoption.
"""
