"""The old place of the converters."""

from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

__all__ = ["to_bytes", "to_native", "to_text"]
