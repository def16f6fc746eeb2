"""The bundle: everything a host needs to run the daemons, as content-addressed archives: our code, and layers of packages.

It is built on the operator's machine out of the packages installed there, once for each content, and needs nothing on the host but
Debian's own Python: no pip, no internet. `contents` says which files belong in it, `compiled` adds byte code, `archive` writes the
deterministic tar, `bundle` puts them together and keeps what was built. It refuses a Python of another version than the hosts'.
"""
