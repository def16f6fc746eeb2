"""The action async_status, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("async_status")
