"""The action gather_facts, for plugins that build on it."""

from ansible.plugins.action import builtin

ActionModule = builtin("gather_facts")
