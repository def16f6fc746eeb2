"""provision: bare hosts in, a working cluster out. The installer is in this package; what runs on the hosts is in `kube`."""
