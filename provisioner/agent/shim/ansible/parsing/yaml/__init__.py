"""A name that people's own modules import; a playbook's module_utils may add to it."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
