"""The version, where controllers' plugins look for it."""

from ansible.module_utils.ansible_release import __author__, __codename__, __version__

__all__ = ["__author__", "__codename__", "__version__"]
