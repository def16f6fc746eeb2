"""The action add_host, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("add_host")
