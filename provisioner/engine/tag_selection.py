"""Which tasks a run's --tags and --skip-tags leave."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.engine.attributes import Attributes


def selected(tags: frozenset[str], only: Iterable[str], skip: Iterable[str]) -> bool:
    """Ansible's rule: `always` runs unless skipped by name, `never` only when asked for by one of the task's tags."""
    wanted, unwanted = set(only), set(skip)
    run = _wanted(tags, wanted)
    if run and unwanted:
        if "all" in unwanted:
            return "always" in tags and "always" not in unwanted
        if tags & unwanted or ("tagged" in unwanted and tags) or ("untagged" in unwanted and not tags):
            return False
    return run


def _wanted(tags: frozenset[str], wanted: set[str]) -> bool:
    if not wanted:
        return "never" not in tags
    if "always" in tags:
        return True
    if "all" in wanted and "never" not in tags:
        return True
    if tags & wanted:
        return True
    if "tagged" in wanted and tags and "never" not in tags:
        return True
    return "untagged" in wanted and not tags


def with_tags(attributes: Attributes, tags: frozenset[str]) -> Attributes:
    from dataclasses import replace

    return replace(attributes, tags=attributes.tags | tags)
