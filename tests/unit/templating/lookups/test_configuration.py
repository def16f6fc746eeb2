"""Proves what the lookup `config` tells: settings as somebody has set them, else as Ansible has them, and where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.templating import Resolved, Templar, TemplateError

VARIABLES = {"__settings__": Resolved({"DEFAULT_FORKS": 50})}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("'DEFAULT_FORKS'", [50]),
        ("'DEFAULT_FORKS', 'COLOR_OK', show_origin=true", [[50, "configuration"], ["green", "default"]]),
        ("'NONE_OF_THESE', on_missing='skip'", []),
        ("'remote_tmp', plugin_type='shell', plugin_name='sh'", ["~/.ansible/tmp"]),
        ("'port', plugin_type='connection', plugin_name='ssh'", [None]),
        ("'RETRY_FILES_SAVE_PATH', 'DEFAULT_STRATEGY'", [None, "linear"]),
        ("'DEFAULT_FILTER_PLUGIN_PATH'", [[str(Path("~/.ansible/plugins/filter").expanduser()), "/usr/share/ansible/plugins/filter"]]),
    ],
)
def test_settings(call: str, expected: list[Any]) -> None:
    assert Templar(variables=VARIABLES).render("{{ q('config', " + call + ") }}") == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("'NONE_OF_THESE'", "No config definition exists for 'NONE_OF_THESE'"),
        ("'NONE_OF_THESE', on_missing='perhaps'", "Invalid value 'perhaps' for config 'on_missing'"),
        ("1", "Invalid setting identifier, 1 is not a"),
        ("'x', plugin_type='shell'", "Both plugin_type and plugin_name are required"),
    ],
)
def test_mistakes(call: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        Templar(variables=VARIABLES).render("{{ q('config', " + call + ") }}")
