"""The action include_vars, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("include_vars")
