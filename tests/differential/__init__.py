"""Real ansible-playbook and our engine run the same playbooks; results, recap, exit codes and files must be equal."""
