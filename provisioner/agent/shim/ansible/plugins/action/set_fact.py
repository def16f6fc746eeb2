"""The action set_fact, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("set_fact")
