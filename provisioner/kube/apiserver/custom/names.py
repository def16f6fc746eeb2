"""What a definition's conditions say: which of its names it may have, those that no other definition of its group has had accepted, and who
answers for one in a group of the Kubernetes project. Pure.

Source: the conditions and acceptedNames of apiextensions.k8s.io/v1 CustomResourceDefinition.
"""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.kube.api._generated.apiextensions_v1 import CustomResourceDefinitionNames as Names
from provisioner.kube.api.validation.extensions import APPROVAL, is_page, is_protected

ACCEPTED = ("NoConflicts", "no conflicts found")


def accept(wanted: Names, had: Names, others: Iterable[Names]) -> tuple[Names, str, str]:
    """(names that it has now, reason and message of NamesAccepted). `had` are its own until now, `others` those of its group. Of several
    conflicts the last one is told."""
    resources: set[str | None] = set()
    kinds: set[str | None] = set()
    for other in others:
        resources |= {other.plural, other.singular, *(other.short_names or ())}
        kinds |= {other.kind, other.list_kind}
    reason, message = ACCEPTED
    made = Names(plural=had.plural or "", singular=had.singular, short_names=had.short_names, kind=had.kind or "", list_kind=had.list_kind)
    for attribute, told, taken in (
        ("plural", "PluralConflict", resources),
        ("singular", "SingularConflict", resources),
        ("short_names", "ShortNamesConflict", resources),
        ("kind", "KindConflict", kinds),
        ("list_kind", "ListKindConflict", kinds),
    ):
        asked, own = getattr(wanted, attribute), getattr(had, attribute)
        listed = attribute == "short_names"
        fresh = [name for name in (asked or () if listed else (asked,)) if name not in (own or () if listed else (own,))]
        wrong = [f'"{name}" is already in use' for name in fresh if name and name in taken]
        if wrong:
            reason, message = told, wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
        else:
            setattr(made, attribute, asked)
    made.categories = wanted.categories
    return made, reason, message


def approval(group: str, annotation: str) -> tuple[str, str, str] | None:
    """(status, reason, message) of KubernetesAPIApprovalPolicyConformant, None in other groups."""
    if not is_protected(group):
        return None
    needed, page = f'protected groups must have approval annotation "{APPROVAL}"', "https://github.com/kubernetes/enhancements/pull/1111"
    if not annotation:
        return "False", "MissingAnnotation", f"{needed}, see {page}"
    if annotation.startswith("unapproved"):
        return "False", "UnapprovedAnnotation", f'not approved: "{annotation}"'
    if is_page(annotation):
        return "True", "ApprovedAnnotation", f"approved in {annotation}"
    return "False", "InvalidAnnotation", f'{needed} with either a URL or a reason starting with "unapproved", see {page}'
