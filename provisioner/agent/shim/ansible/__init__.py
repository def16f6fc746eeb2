"""A name that people's own modules import; a playbook's module_utils may add to it."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

from ansible.release import __author__, __version__  # noqa: E402 - of the path above

__all__ = ["__author__", "__version__"]
