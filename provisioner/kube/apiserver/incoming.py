"""What the server sees to in objects that come: names that it makes up, owners that are named once."""

from __future__ import annotations

import secrets

from provisioner.kube.api import meta
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Obj

# Without letters that make words or look alike.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
SUFFIX_LETTERS = 5
# A name has 63 characters at most, what is before the suffix the others.
PREFIX_LETTERS = 58
# Kinds that get their name before admission may change them: labels are made of it, or addresses taken in it.
NAMED_FIRST = frozenset({"batch/jobs", "core/namespaces", "core/services"})
# Kinds to which the server itself adds more than defaults, which is nobody's.
FURNISHED = NAMED_FIRST | {
    *("certificates.k8s.io/certificatesigningrequests", "core/nodes", "core/persistentvolumeclaims", "core/persistentvolumes"),
    *("core/pods", "networking.k8s.io/ingresses"),
}
_ADVICE = "API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests"


def suffix() -> str:
    """Five letters by chance."""
    return "".join(secrets.choice(_LETTERS) for _ in range(SUFFIX_LETTERS))


def give_name(obj: Obj) -> bool:
    """A name of its own where the object wants one (metadata.generateName); whether it did."""
    metadata = obj.metadata
    if metadata.name or not metadata.generate_name:
        return False
    metadata.name = metadata.generate_name[:PREFIX_LETTERS] + suffix()
    return True


def drop_doubled_owners(call: Call, obj: Obj, when: str = "") -> None:
    """Equal owner references once, with a warning; `when` is what the warning says of the moment."""
    if obj.metadata.owner_references and (uids := meta.drop_doubled_owners(obj.metadata)):
        told = f".metadata.ownerReferences contains duplicate entries{when}; {_ADVICE}; duplicate UID(s) observed: {', '.join(uids)}"
        call.warn([told])
