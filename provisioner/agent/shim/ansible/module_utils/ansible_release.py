"""The version of Ansible whose interface these names follow."""

__version__ = "2.19.0"
__author__ = "provision"
__codename__ = ""
