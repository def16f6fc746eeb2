"""What modules ask about their host."""

from ansible.module_utils.facts.compat import ansible_facts, get_all_facts

__all__ = ["ansible_facts", "get_all_facts"]
