"""How plugins write YAML; they run beside the engine, never on a host."""

from provisioner.templating.filters.data import Dumper


class AnsibleDumper(Dumper):
    """The filters' own, in a class that plugins may change."""
