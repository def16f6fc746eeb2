"""Proves that what our own OpenAPI allows is never answered by a crash, and that every refusal is a Status: generated requests, bounded."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import hypothesis
import pytest
import schemathesis

# Groups whose whole surface is small enough to be asked all of it; the server has one path through the code for every group.
ROOTS = ("apis/batch/v1", "apis/policy/v1", "apis/coordination.k8s.io/v1")
EXAMPLES = 3
HOLDING = ("watch", "timeoutSeconds")
# What upstream answers with 500, too: an apply of fields that have no type, an object of a version before it is there.
FAULTS = ("field not declared in schema", "resourceVersion should not be set on objects to be created")


@pytest.fixture(scope="module", params=ROOTS)
def operations(request: pytest.FixtureRequest, server: Any) -> list[Any]:
    code, document = server.call("GET", f"/openapi/v3/{request.param}")
    assert code == 200
    schema = schemathesis.openapi.from_dict(document)
    return [found.ok() for found in schema.get_all_operations()]


def test_generated_requests(operations: list[Any], server: Any) -> None:
    asked = 0
    for operation in operations:

        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck)
        )
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            parameters = {str(k): str(v) for k, v in (case.path_parameters or {}).items()}
            path = case.path
            for key, value in parameters.items():
                path = path.replace(f"{{{key}}}", quote(value, safe="") or "x")
            query = {str(k): str(v) for k, v in (case.query or {}).items() if k not in HOLDING}
            if case.method.upper() not in ("GET", "HEAD"):
                query["dryRun"] = "All"
            text = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query.items())
            body = None if isinstance(case.body, schemathesis.core.NotSet) else case.body
            headers = {"Content-Type": case.media_type or "application/json"} if case.method.upper() != "GET" else {}
            if headers.get("Content-Type") == "*/*":
                headers["Content-Type"] = "application/json"
            code, answer = server.call(case.method.upper(), f"{path}?{text}", body, headers=headers)
            told = str(answer.get("message")) if isinstance(answer, dict) else ""
            assert code < 500 or any(words in told for words in FAULTS), (case.method, path, text, body, answer)
            if code >= 400 and isinstance(answer, dict):
                assert answer["kind"] == "Status" and answer["status"] == "Failure" and answer["code"] == code

        ask()
    assert asked >= len(operations)
    assert server.status("/livez") == 200 and "request crashed" not in server.process.log.read_text()
