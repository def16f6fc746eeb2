"""Where objects live: etcd through a narrow door, and the watch cache that every read is answered from.

    etcd.py   the calls of etcd's API that we make, over gRPC with TLS
    store.py  create, update, delete of one key, each conditional; concurrent writes share one etcd transaction (group commit)
    cache.py  every object as its encoded JSON bytes, fed by one watch; lists, gets and watches are answered from it

A resourceVersion is `etcd revision * 64 + place in the group`: unique and increasing for every write, also inside one transaction.
Only kube/apiserver imports this package.
"""
