"""All facts, as modules ask for them."""

from typing import Any, Dict, List, Optional


def ansible_facts(module: Any, gather_subset: Optional[List[str]] = None) -> Dict[str, Any]:
    """Facts without the prefix `ansible_`."""
    from provisioner.agent.context import Context
    from provisioner.modules import setup

    wanted = gather_subset or module.params.get("gather_subset") or ["all"]
    args = {
        "gather_subset": wanted,
        "gather_timeout": 10,
        "filter": [],
        "fact_path": module.params.get("fact_path") or "/etc/ansible/facts.d",
    }
    found: Dict[str, Any] = setup.run(args, Context())["ansible_facts"]
    return {key[len("ansible_") :] if key.startswith("ansible_") else key: value for key, value in found.items()}


def get_all_facts(module: Any) -> Dict[str, Any]:
    return ansible_facts(module)
