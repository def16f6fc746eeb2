"""The questions: token and access reviews, token requests, rules reviews (authentication.k8s.io, authorization.k8s.io)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.api._generated import authentication_v1, authorization_v1, core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.apiserver.admission.node_restriction import NodeRestriction
from provisioner.kube.apiserver.authentication.authn import Authenticator
from provisioner.kube.apiserver.authentication.tokens import ServiceAccountTokens
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.authorization.rbac import Rbac
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.subresources.pods import decoded
from provisioner.kube.client.clock import Clock

_LISTS = ("In", "NotIn")
_OPERATORS = ("DoesNotExist", "Exists", *_LISTS)
DEFAULT_TOKEN_S = 3600
# What may be asked for: ten minutes at least, 2^32 seconds at most.
MIN_TOKEN_S, MAX_TOKEN_S = 600, 2**32


def user_info(user: User) -> authentication_v1.UserInfo:
    extra = {key: list(values) for key, values in user.extra.items()}
    return authentication_v1.UserInfo(username=user.name, groups=list(user.groups), uid=user.uid or None, extra=extra or None)


async def token_review(authenticator: Authenticator, document: Any) -> bytes:
    review = decoded(authentication_v1.TokenReview, document)
    token, audiences = review.spec.token or "", tuple(review.spec.audiences or ())
    if not token:
        raise errors.bad_request("token is required for TokenReview in authentication")
    try:
        user = await authenticator.user_of_token(token, audiences)
    except StatusError:
        review.status = authentication_v1.TokenReviewStatus(authenticated=False, error="invalid bearer token")
    else:
        wanted = audiences or authenticator.tokens.audiences
        shared = authenticator.tokens.audiences_of(token, wanted) or [a for a in wanted if a in authenticator.tokens.audiences]
        if shared:
            review.status = authentication_v1.TokenReviewStatus(authenticated=True, user=user_info(user), audiences=shared)
        else:
            review.status = authentication_v1.TokenReviewStatus(authenticated=False, error="token is for other audiences")
    review.spec.token = None
    return msgspec.json.encode(review)


def self_subject(call: Call, clock: Clock) -> bytes:
    return msgspec.json.encode(
        authentication_v1.SelfSubjectReview(
            metadata=meta_v1.ObjectMeta(creation_timestamp=rfc3339(clock.now())),
            status=authentication_v1.SelfSubjectReviewStatus(user_info=user_info(call.user)),
        )
    )


def _target(spec: Any, namespace: str = "") -> Target:
    resource, path = spec.resource_attributes, spec.non_resource_attributes
    if resource is not None:
        return Target(
            resource.verb or "",
            "",
            resource.group or "",
            resource.version or "",
            resource.resource or "",
            namespace or resource.namespace or "",
            resource.name or "",
            resource.subresource or "",
        )
    assert path is not None
    return Target(path.verb or "", path.path or "")


async def access_review(authorizer: Authorizer, call: Call, kind: str, document: Any) -> bytes:
    """SubjectAccessReview and its Local and Self forms."""
    cls = getattr(authorization_v1, kind)
    review = decoded(cls, document)
    spec = review.spec
    if spec.resource_attributes is None and spec.non_resource_attributes is None:
        message = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise errors.invalid(kind, "", [errors.invalid_value("spec.resourceAttributes", None, message)], "authorization.k8s.io")
    if spec.resource_attributes is not None and spec.non_resource_attributes is not None:
        both = errors.invalid_value(
            "spec.nonResourceAttributes", spec.non_resource_attributes, "cannot be specified in combination with resourceAttributes"
        )
        raise errors.invalid(kind, "", [both], "authorization.k8s.io")
    if spec.resource_attributes is not None and (wrong := _selectors(spec.resource_attributes)):
        raise errors.invalid(kind, "", wrong, "authorization.k8s.io")
    asked_in = (spec.resource_attributes.namespace or "") if spec.resource_attributes is not None else call.target.namespace
    if kind == "LocalSubjectAccessReview" and asked_in != call.target.namespace:
        raise errors.bad_request(f"spec.resourceAttributes.namespace must match namespace: {call.target.namespace}")
    if kind == "SelfSubjectAccessReview":
        user = call.user
    else:
        extra = {key: tuple(values) for key, values in (spec.extra or {}).items()}
        user = User(spec.user or "", tuple(spec.groups or ()), spec.uid or "", extra)
        if not user.name and not user.groups:
            raise errors.invalid(
                kind, "", [errors.invalid_value("spec.user", "", "at least one of user or group must be specified")], "authorization.k8s.io"
            )
    verdict = await authorizer.judge(user, _target(spec, call.target.namespace if kind == "LocalSubjectAccessReview" else ""))
    review.status = authorization_v1.SubjectAccessReviewStatus(
        allowed=verdict.allowed, denied=verdict.denied or None, reason=verdict.reason or None
    )
    return msgspec.json.encode(review)


def _selectors(attributes: authorization_v1.ResourceAttributes) -> list[errors.FieldError]:
    """What is wrong with the selectors of a list that is asked about."""
    found = []
    for name, selector in (("fieldSelector", attributes.field_selector), ("labelSelector", attributes.label_selector)):
        if selector is None:
            continue
        where = f"spec.resourceAttributes.{name}"
        raw = selector.raw_selector or ""
        requirements: Sequence[Any] = selector.requirements or ()
        if raw and requirements:
            message = "may not specified at the same time as requirements"
            found.append(errors.invalid_value(f"{where}.rawSelector", raw, message))
        if not raw and not requirements:
            found.append(errors.required(f"{where}.requirements", f"when {where} is specified, requirements or rawSelector is required"))
        for index, one in enumerate(requirements):
            at = f"{where}.requirements[{index}]"
            if not one.key:
                found.append(errors.required(f"{at}.key", "must be specified"))
            if one.operator not in _OPERATORS:
                found.append(errors.not_supported(f"{at}.operator", one.operator or "", _OPERATORS))
            elif one.operator in _LISTS and not one.values:
                found.append(errors.required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
            elif one.operator not in _LISTS and one.values:
                found.append(errors.forbidden_field(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    return found


def rules_review(rbac: Rbac, call: Call, document: Any) -> bytes:
    review = decoded(authorization_v1.SelfSubjectRulesReview, document)
    resources, paths = [], []
    for rule in rbac.rules_for(call.user, review.spec.namespace or ""):
        if rule.non_resource_urls:
            paths.append(authorization_v1.NonResourceRule(verbs=rule.verbs, non_resource_urls=rule.non_resource_urls))
        else:
            resources.append(
                authorization_v1.ResourceRule(
                    verbs=rule.verbs, api_groups=rule.api_groups, resources=rule.resources, resource_names=rule.resource_names
                )
            )
    review.status = authorization_v1.SubjectRulesReviewStatus(resource_rules=resources, non_resource_rules=paths, incomplete=False)
    return msgspec.json.encode(review)


async def token_request(
    rest: Rest, tokens: ServiceAccountTokens, accounts: Kind, bound_kinds: Callable[[str], Kind | None], call: Call, document: Any
) -> bytes:
    """serviceaccounts/token. Raises 400, 404, 409 for a bound object that is not (or no longer) the one meant."""
    request = decoded(authentication_v1.TokenRequest, document)
    await rest.cache.fresh()
    account: core_v1.ServiceAccount = accounts.load(rest.entry(accounts, call.target.namespace, call.target.name).data)
    bound: dict[str, dict[str, str]] = {}
    reference = request.spec.bound_object_ref
    NodeRestriction(rest.cache).check_token(
        call,
        (reference.kind if reference else "") or "",
        (reference.name if reference else "") or "",
        (reference.uid if reference else "") or "",
    )
    if reference is not None:
        kind = bound_kinds(reference.kind or "")
        if kind is None:
            group, _, version = (reference.api_version or "").rpartition("/")
            raise errors.bad_request(f"cannot bind token to object of type {group}/{version}, Kind={reference.kind}")
        obj = kind.load(rest.entry(kind, call.target.namespace, reference.name or "").data)
        if reference.uid and reference.uid != obj.metadata.uid:
            message = f"the UID in the bound object reference ({reference.uid}) does not match the UID in record. The object might have been deleted and then recreated"
            raise errors.conflict(kind.resource.plural, reference.name or "", message)
        bound[(reference.kind or "").lower()] = {"name": obj.metadata.name, "uid": obj.metadata.uid}
        if reference.kind == "Pod" and obj.spec.node_name:
            bound["node"] = _node(rest, bound_kinds("Node"), obj.spec.node_name)
    seconds = request.spec.expiration_seconds or DEFAULT_TOKEN_S
    if not MIN_TOKEN_S <= seconds <= MAX_TOKEN_S:
        bound_by = "less than 10 minutes" if seconds < MIN_TOKEN_S else "larger than 2^32 seconds"
        wrong = errors.invalid_value("spec.expirationSeconds", seconds, f"may not specify a duration {bound_by}")
        raise errors.invalid("TokenRequest", "", [wrong], "authentication.k8s.io")
    token, expires = tokens.sign(
        call.target.namespace,
        call.target.name,
        account.metadata.uid or "",
        audiences=request.spec.audiences or (),
        expires_s=seconds,
        bound={key: value for key, value in bound.items() if value},
    )
    request.spec.audiences = request.spec.audiences or list(tokens.audiences)
    request.spec.expiration_seconds = seconds
    request.metadata.name, request.metadata.namespace = call.target.name, call.target.namespace
    request.status = authentication_v1.TokenRequestStatus(token=token, expiration_timestamp=expires)
    return msgspec.json.encode(request)


def _node(rest: Rest, kind: Kind | None, name: str) -> dict[str, str]:
    entry = rest.cache.collection(kind.stored_as).entries.get(name) if kind is not None else None
    return {"name": name, "uid": kind.load(entry.data).metadata.uid} if kind is not None and entry is not None else {}
