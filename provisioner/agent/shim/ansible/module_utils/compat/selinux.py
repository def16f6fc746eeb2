"""SELinux is off wherever our hosts are: modules that can do without its library go on without."""

raise ImportError("libselinux is not there: SELinux is off on this host")
