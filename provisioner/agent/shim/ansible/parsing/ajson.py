"""JSON as plugins write and read it."""

import json
from typing import Any

from ansible.module_utils.common.json import AnsibleJSONEncoder

__all__ = ["AnsibleJSONDecoder", "AnsibleJSONEncoder"]


class AnsibleJSONDecoder(json.JSONDecoder):
    """For json.loads(cls=…): marked texts are plain ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(object_hook=_plain, **options)


def _plain(pairs: Any) -> Any:
    return pairs["__ansible_unsafe"] if list(pairs) == ["__ansible_unsafe"] else pairs
