"""The action set_stats, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("set_stats")
