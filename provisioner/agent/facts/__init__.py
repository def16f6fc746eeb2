"""Facts about the host under Ansible's names, each read from the kernel and the system's own files; programs are run only where no file tells.

A collector is a function without arguments that returns facts without the prefix `ansible_`. What a host does not have is left out or told
in Ansible's own word for it; nothing here fails because of an odd host.
"""
