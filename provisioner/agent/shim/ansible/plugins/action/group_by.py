"""The action group_by, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("group_by")
