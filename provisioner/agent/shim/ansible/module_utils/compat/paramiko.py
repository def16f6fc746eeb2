"""paramiko, where the host's Python has it."""

import importlib
import traceback
from typing import Any, Optional

paramiko: Any = None
PARAMIKO_IMPORT_ERR: Optional[str] = None
try:
    paramiko = importlib.import_module("paramiko")
except ImportError:
    PARAMIKO_IMPORT_ERR = traceback.format_exc()
