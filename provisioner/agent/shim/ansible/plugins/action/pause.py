"""The action pause, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("pause")
