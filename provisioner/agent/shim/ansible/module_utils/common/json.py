"""JSON of what results may hold: dates, sets, bytes, mappings of any kind."""

import datetime
import json
from collections.abc import Mapping, Set
from typing import Any

from ansible.module_utils.common.text.converters import to_text


class AnsibleJSONEncoder(json.JSONEncoder):
    """For json.dumps(cls=…)."""

    def __init__(self, preprocess_unsafe: bool = False, vault_to_text: bool = False, **options: Any) -> None:
        super().__init__(**options)

    def default(self, o: Any) -> Any:
        if isinstance(o, (datetime.date, datetime.datetime)):
            return o.isoformat()
        if isinstance(o, Mapping):
            return dict(o)
        if isinstance(o, Set):
            return list(o)
        if isinstance(o, bytes):
            return to_text(o)
        return super().default(o)


def json_dump(structure: Any) -> str:
    return json.dumps(structure, cls=AnsibleJSONEncoder, sort_keys=True, indent=4)
