"""Proves that differences read as Ansible's: headers, ends of files, mappings, and what is too large or no text."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.cli.diff_text import diff_text


@pytest.mark.parametrize(
    ("diff", "text"),
    [
        (
            {"before": "a\n", "after": "b", "before_header": "/f"},
            "--- before: /f\n+++ after\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n\n",
        ),
        (
            {"before": {"mode": "0600"}, "after": {"mode": "0644"}},
            '--- before\n+++ after\n@@ -1,3 +1,3 @@\n {\n-    "mode": "0600"\n+    "mode": "0644"\n }\n\n',
        ),
        ({"before": "a", "after": "a"}, ""),
        (
            [{"dst_binary": 1}, {"src_larger": 5}],
            "diff skipped: destination file appears to be binary\ndiff skipped: source file size is greater than 5\n",
        ),
        ({"prepared": "as it is"}, "as it is"),
        ([], ""),
    ],
)
def test_differences(diff: Any, text: str) -> None:
    assert diff_text(diff) == text
