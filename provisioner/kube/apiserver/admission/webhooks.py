"""Admission webhooks: others are asked (admission.k8s.io/v1 AdmissionReview), and may change or refuse what is written.

Mutating webhooks are called in turn, by configuration name and order, and once more those with reinvocationPolicy IfNeeded when a later one
changed something; validating ones all at once.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import msgspec

from provisioner.kube.api import cel, codec, errors, patch
from provisioner.kube.api._generated import admissionregistration_v1 as registration
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.admission.expressions import Expressions, admission_request
from provisioner.kube.apiserver.admission.times import Times
from provisioner.kube.apiserver.admission.versions import converted, taken_back, views
from provisioner.kube.apiserver.admission.webhook_rules import EXEMPT, concerns
from provisioner.kube.apiserver.calls import DEFAULT_TIMEOUT_S, Caller, CallError
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Change, WatchCache

log = logging.getLogger(__name__)

MUTATING = "admissionregistration.k8s.io/mutatingwebhookconfigurations"
VALIDATING = "admissionregistration.k8s.io/validatingwebhookconfigurations"
ANSWER_BYTES = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What webhooks are asked about. `options` are a stream's (operation CONNECT), which has no object."""

    operation: str
    call: Call
    kind: Kind
    new: Obj | None
    old: Obj | None
    options: Mapping[str, Any] | None = None

    async def review(self, seen: Kind) -> dict[str, Any]:
        """admission.k8s.io/v1 AdmissionReview, in the version that the webhook sees."""
        request = admission_request(self.operation, self.call, self.kind, self.new, self.old, seen)
        request["object"] = await converted(self.kind, self.new, seen) if self.new is not None else self.options
        request["oldObject"] = await converted(self.kind, self.old, seen) if self.old is not None else None
        if self.options is not None:
            request["kind"] = request["requestKind"] = {"group": "", "version": "v1", "kind": self.options["kind"]}
            request["options"] = None
        return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


class Webhooks(Plugin):
    """What both kinds share: following the configurations, finding who is concerned, asking. `stored_as` and `kind_of` say which kind,
    `shown_as` is its type in metrics."""

    stored_as = shown_as = ""
    kind_of: type[Any]

    def __init__(self, cache: WatchCache, registry: Registry, expressions: Expressions, caller: Caller, times: Times) -> None:
        self._registry, self._expressions, self._caller, self._times = registry, expressions, caller, times
        self._hooks: dict[str, list[Any]] = {}
        cache.collection(self.stored_as).listeners.append(self._follow)

    def _follow(self, change: Change) -> None:
        entry = change.new or change.old
        assert entry is not None
        self._hooks.pop(entry.key, None)
        if change.new is not None:
            self._hooks[entry.key] = list(codec.decode(self.kind_of, entry.data).webhooks or ())
        self._hooks = dict(sorted(self._hooks.items()))

    def _concerned(self, about: Asked) -> list[tuple[Any, Kind]]:
        """(webhook, the version that it sees)."""
        operation, call, kind, new, old = about.operation, about.call, about.kind, about.new, about.old
        configured = self._hooks
        if not configured or kind.stored_as in EXEMPT:
            return []
        namespace_labels = self._expressions.namespace_labels(call, kind, new)
        labels = [obj.metadata.labels or {} for obj in (new, old) if obj is not None]
        sub = call.target.subresource
        found: list[tuple[Any, Kind]] = []
        for hook in (hook for hooks in configured.values() for hook in hooks):
            for seen in views(self._registry, kind, hook.match_policy):
                if concerns(hook, operation, seen, sub, namespace_labels, labels):
                    found.append((hook, seen))
                    break
        if not any(hook.match_conditions for hook, _ in found):
            return found
        values = self._expressions.values(operation, call, kind, new, old)
        if about.options is not None:
            values["object"] = about.options
        return [(hook, seen) for hook, seen in found if self._holds(hook, values, call.target)]

    def _holds(self, hook: Any, values: dict[str, Any], target: Target) -> bool:
        """Whether a webhook's match conditions hold. One that can't be evaluated is a failure of the webhook."""
        try:
            return self._expressions.hold(hook.match_conditions, values)
        except cel.CelError as error:
            if hook.failure_policy == "Ignore":
                return False
            raise errors.forbidden(target.resource, target.name, str(error), target.group) from error

    # -- asking ----------------------------------------------------------------------------------------------------

    async def _asked(self, hook: Any, about: Asked, seen: Kind) -> dict[str, Any]:
        """The response of a webhook that allowed. Raises StatusError for a refusal, or a failure that failurePolicy does not ignore."""
        call = about.call
        if call.dry_run and hook.side_effects not in ("None", "NoneOnDryRun"):
            raise errors.bad_request(f'admission webhook "{hook.name}" does not support dry run')
        review = await about.review(seen)
        step, began = (about.operation, self.shown_as), perf_counter()
        response: dict[str, Any] = {}
        try:
            response = await self._caller.post(
                hook.client_config, review, timeout_s=hook.timeout_seconds or DEFAULT_TIMEOUT_S, limit_bytes=ANSWER_BYTES, says_time=True
            )
        except CallError as error:
            if hook.failure_policy == "Ignore":
                log.warning("webhook failed and is ignored webhook=%s: %s", hook.name, error)
                return {}
            self._times.rejection(hook.name, step, "calling_webhook_error", 0)
            raise errors.internal(f'failed calling webhook "{hook.name}": failed to call webhook: {error}') from error
        finally:
            self._times.webhook(hook.name, step, perf_counter() - began, rejected=not response.get("allowed"))
        call.warnings += [str(warning) for warning in response.get("warnings") or ()]
        for key, value in (response.get("auditAnnotations") or {}).items():
            call.annotations[f"{hook.name}/{key}"] = str(value)
        if response.get("allowed"):
            return response
        refused = refusal(hook.name, response.get("status") or {})
        self._times.rejection(hook.name, step, "no_error", refused.code)
        raise refused


def refusal(name: str, status: Mapping[str, Any]) -> errors.StatusError:
    """What a client is told of a webhook's refusal: the webhook's own Status, but never one of success."""
    said = status.get("message") or status.get("reason")
    told = f"denied the request: {said}" if said else "denied the request without explanation"
    code = int(status.get("code") or 0)
    return errors.StatusError(
        code if code >= 400 else 400, status.get("reason") or "", f'admission webhook "{name}" {told}', status.get("details")
    )


class MutatingWebhooks(Webhooks):
    name = "MutatingAdmissionWebhook"
    reinvoked = False
    stored_as, shown_as = MUTATING, "admit"
    kind_of = registration.MutatingWebhookConfiguration

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if not self._hooks:
            return
        about = Asked("CREATE" if old is None else "UPDATE", call, kind, new, old)
        hooks = self._concerned(about)
        changed_by = [(hook, seen) for hook, seen in hooks if await self._mutated(hook, about, seen)]
        if not changed_by:
            return
        last = hooks.index(changed_by[-1])
        for hook, seen in hooks[:last]:
            if hook.reinvocation_policy == "IfNeeded":
                await self._mutated(hook, about, seen)

    async def _mutated(self, hook: Any, about: Asked, seen: Kind) -> bool:
        """Ask one webhook and take its patch over; whether there was one."""
        answer = await self._asked(hook, about, seen)
        if not answer.get("patch"):
            return False
        kind, new = about.kind, about.new
        try:
            operations = msgspec.json.decode(base64.b64decode(answer["patch"]))
            made = await taken_back(kind, patch.json_patch(await converted(kind, new, seen), operations), seen)
        except (ValueError, patch.PatchError, codec.DecodeError) as error:
            raise errors.internal(f'admission webhook "{hook.name}" sent a patch that can\'t be applied: {error}') from error
        kind.default(made)
        for attribute in getattr(new, "__struct_fields__", ("metadata", "body")):
            setattr(new, attribute, getattr(made, attribute))
        about.call.mutated = True
        return True

    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None:
        await self._each(Asked("DELETE", call, kind, None, old))

    async def connect(self, call: Call, kind: Kind, options: Mapping[str, Any]) -> None:
        await self._each(Asked("CONNECT", call, kind, None, None, options))

    async def _each(self, about: Asked) -> None:
        for hook, seen in self._concerned(about):
            await self._asked(hook, about, seen)


class ValidatingWebhooks(Webhooks):
    name = "ValidatingAdmissionWebhook"
    stored_as, shown_as = VALIDATING, "validating"
    kind_of = registration.ValidatingWebhookConfiguration

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if not self._hooks:
            return
        await self._all(Asked("CREATE" if old is None else "UPDATE", call, kind, new, old))

    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None:
        await self._all(Asked("DELETE", call, kind, None, old))

    async def connect(self, call: Call, kind: Kind, options: Mapping[str, Any]) -> None:
        await self._all(Asked("CONNECT", call, kind, None, None, options))

    async def _all(self, about: Asked) -> None:
        hooks = self._concerned(about)
        if not hooks:
            return
        results = await asyncio.gather(*(self._asked(hook, about, seen) for hook, seen in hooks), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
