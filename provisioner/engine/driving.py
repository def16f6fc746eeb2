"""Runs attempts of tasks to their end: their module calls go to the hosts, the answers back to them."""

from __future__ import annotations

from typing import Any

from provisioner.engine.errors import EngineError, TaskError
from provisioner.engine.exchange import Attempt, Exchange, send
from provisioner.engine.targets import BecomeRequest
from provisioner.engine.unreachable import connection_errors, unreachable_result
from provisioner.templating import TemplateError


def drive(attempt: Attempt) -> dict[str, Any]:
    """Runs an attempt to its end, one message for each module call."""
    try:
        exchange = next(attempt)
        while True:
            answer = call_all([exchange])[0]
            exchange = attempt.send(answer)
    except StopIteration as e:
        result: dict[str, Any] = e.value
        return result


def call_all(exchanges: list[Exchange]) -> list[dict[str, Any]]:
    """Has the modules of exchanges with one session and user run, those after a failed one too; a session stops there by itself."""
    answers: list[dict[str, Any]] = []
    while len(answers) < len(exchanges):
        answers += send(exchanges[len(answers) :])
    return answers


def drive_together(attempts: list[Attempt | None]) -> list[dict[str, Any]]:
    """Runs attempts whose first calls do not need each other's results: those go in one message to each (session, user)."""
    results: list[dict[str, Any]] = [{} for _ in attempts]
    waiting: dict[tuple[int, BecomeRequest | None], list[tuple[int, Exchange]]] = {}
    for index, attempt in enumerate(attempts):
        if attempt is None:
            continue
        try:
            exchange = next(attempt)
            waiting.setdefault((id(exchange.session), exchange.become), []).append((index, exchange))
        except StopIteration as e:
            results[index] = e.value
        except (TemplateError, EngineError) as e:
            results[index] = failure(e)
        except connection_errors() as e:
            results[index] = unreachable_result(e)
    for group in waiting.values():
        try:
            answers = call_all([exchange for _, exchange in group])
        except EngineError as e:
            for index, _ in group:
                results[index] = failure(e)
            continue
        except connection_errors() as e:
            for index, _ in group:
                results[index] = unreachable_result(e)
            continue
        for (index, _), answer in zip(group, answers, strict=True):
            attempt = attempts[index]
            assert attempt is not None
            results[index] = finish(attempt, answer)
    return results


def finish(attempt: Attempt, answer: dict[str, Any]) -> dict[str, Any]:
    """Goes on from the answer to an attempt's first call; what goes wrong is its result."""
    try:
        while True:
            answer = send([attempt.send(answer)])[0]
    except StopIteration as e:
        result: dict[str, Any] = e.value
        return result
    except (TemplateError, EngineError) as e:
        return failure(e)
    except connection_errors() as e:
        return unreachable_result(e)


def failure(error: Exception) -> dict[str, Any]:
    if isinstance(error, TaskError):
        return dict(error.result)
    return {"failed": True, "msg": f"Task failed: {error}" if isinstance(error, TemplateError) else str(error)}
