"""The action wait_for_connection, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("wait_for_connection")
