"""Failures and differences in words."""

from __future__ import annotations

from provisioner.cluster.results import differences, message_of


def test_message_has_the_end_of_the_output() -> None:
    assert message_of({"msg": "non-zero return code", "stderr": "E: disk full", "stdout": ""}) == "non-zero return code\nE: disk full"
    assert message_of({"msg": "bad: x", "stderr": "bad: x"}) == "bad: x"
    assert message_of({"results": [{"failed": True, "item": "b", "msg": "no"}, {"item": "a"}]}) == "b: no"
    assert message_of({}) == "failed without a message"


def test_differences() -> None:
    [text] = differences({"before": "a\nb\n", "after": "a\nc\n", "before_header": "/etc/x"})
    assert text.splitlines() == ["--- /etc/x", "+++ after", "@@ -1,2 +1,2 @@", " a", "-b", "+c"]
    assert differences([{"prepared": "ready\n"}, {"before": {"mode": "0600"}, "after": {"mode": "0600"}}]) == ["ready"]
