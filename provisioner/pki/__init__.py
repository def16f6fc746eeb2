"""Certificates of a cluster: three authorities, the leaf certificates of every daemon and node, and kubeconfigs.

The authorities' private keys never leave the operator's state directory; a host is given only the leaves that are its own.
`profile` decides which certificates there are (no I/O), `authority` makes one, `store` keeps them on disk and renews what nears its
end, `inspect` reads a certificate back, `kubeconfig` writes the client's file. Nothing here connects to anything.
"""
