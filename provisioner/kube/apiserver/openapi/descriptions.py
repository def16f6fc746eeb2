"""What `kubectl explain` says of a field: of those that every object has, here; the field list that types are made from has no descriptions. Begins with
the words that upstream's begin with, since people and tests look for them."""

from __future__ import annotations

from provisioner.kube.apiserver.openapi.field_descriptions import described

OBJECT = {
    "apiVersion": "APIVersion defines the versioned schema of this representation of an object: the group and version that it is of.",
    "kind": "Kind is a string value representing the REST resource this object represents, in CamelCase.",
    "metadata": "Standard object's metadata.",
    "spec": "Specification of what is wanted.",
    "status": "Most recently observed state. Read-only to those who write the specification.",
}
LIST = {"metadata": "Standard list metadata.", "items": "Items is the list of objects."}
OBJECT_META = {
    "annotations": "Annotations is an unstructured key value map that tools keep their own data in. It can't be selected by.",
    "creationTimestamp": "CreationTimestamp is a timestamp of the server's time when this object was created. Set by the server.",
    "deletionGracePeriodSeconds": "Number of seconds that this object has to end in before it is removed. Set by the server.",
    "deletionTimestamp": "DeletionTimestamp is RFC 3339 date and time at which this resource will be deleted. Set by the server when its "
    "deletion is asked for.",
    "finalizers": "Must be empty before the object is deleted from the registry. Each entry names who removes it when its work is done.",
    "generateName": "GenerateName is an optional prefix that the server makes a unique name from where no name is given.",
    "generation": "A sequence number of the wanted state. It grows when the specification changes. Set by the server.",
    "labels": "Map of string keys and values that objects are organized and selected by.",
    "managedFields": "ManagedFields says which manager set which fields, in which version. Kept for server-side apply.",
    "name": "Name must be unique within a namespace. It can't be changed.",
    "namespace": "Namespace defines the space within which each name must be unique. Cluster-wide objects have none.",
    "ownerReferences": "List of objects depended by this object. When all of them are gone, this object is collected.",
    "resourceVersion": "An opaque value that changes with every write: clients see by it that an object has changed, and watch from it.",
    "selfLink": "Deprecated: selfLink is not set any more.",
    "uid": "UID is the unique in time and space value for this object. Set by the server.",
}


def description(module: str, type_name: str, field: str, *, is_object: bool) -> str:
    """Of a field of a type, "" where there is none."""
    if module == "meta_v1" and type_name == "ObjectMeta":
        return OBJECT_META.get(field, "")
    own = described(f"{module}.{type_name}", field)
    if own or not is_object:
        return own
    return LIST.get(field, "") or OBJECT.get(field, "") if type_name.endswith("List") else OBJECT.get(field, "")
