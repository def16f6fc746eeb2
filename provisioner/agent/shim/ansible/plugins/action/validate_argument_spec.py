"""The action validate_argument_spec, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("validate_argument_spec")
