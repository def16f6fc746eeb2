"""The bundle: everything a host needs to run the daemons, as content-addressed archives: our code, and layers of packages.

It is built on the operator's machine, once for each content and each target (Python and architecture of hosts), and needs nothing on the host
but Debian's own Python: no pip, no internet. `target` says what a bundle is for, `contents` which files belong in it, `wheels` gets the packages of
another Python than this one's, `compiled` adds byte code, `archive` writes the deterministic tar, `bundle` puts them together and keeps them.
"""
