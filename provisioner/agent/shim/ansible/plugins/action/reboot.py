"""The action reboot, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("reboot")
