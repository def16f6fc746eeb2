"""What runs on a host: a process that carries out modules for the controller. Standard library only, Python 3.7 or newer.

It listens on standard input and answers on standard output, in length-prefixed JSON frames; it opens no port and leaves nothing behind but
its own source, cached under its hash. It knows nothing of playbooks: modules get arguments and give results.
"""
