"""Who may be believed about users: the --oidc-* flags, or an AuthenticationConfiguration file, as one form.

Source: apiserver.config.k8s.io/v1 AuthenticationConfiguration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from provisioner.kube.api import cel, names
from provisioner.kube.apiserver import config_files
from provisioner.kube.apiserver.config_files import Configuration, Section
from provisioner.kube.client.flags import Flags

VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
CLAIMS, USER = frozenset({"claims"}), frozenset({"user"})
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512")


class Issuer(Section, frozen=True, kw_only=True):
    url: str
    audiences: tuple[str, ...]
    discovery_url: str = msgspec.field(default="", name="discoveryURL")
    certificate_authority: str = ""
    audience_match_policy: Literal["", "MatchAny"] = ""
    # There is one way out of this server.
    egress_selector_type: Literal["", "controlplane", "cluster"] = ""


class ClaimRule(Section, frozen=True, kw_only=True):
    claim: str = ""
    required_value: str = ""
    expression: str = ""
    message: str = ""


class PrefixedClaim(Section, frozen=True, kw_only=True):
    claim: str = ""
    prefix: str | None = None
    expression: str = ""


class ClaimOrExpression(Section, frozen=True, kw_only=True):
    claim: str = ""
    expression: str = ""


class Extra(Section, frozen=True, kw_only=True):
    key: str
    value_expression: str


class Mappings(Section, frozen=True, kw_only=True):
    username: PrefixedClaim
    groups: PrefixedClaim = PrefixedClaim()
    uid: ClaimOrExpression = ClaimOrExpression()
    extra: tuple[Extra, ...] = ()


class UserRule(Section, frozen=True, kw_only=True):
    expression: str
    message: str = ""


class JwtIssuer(Section, frozen=True, kw_only=True):
    issuer: Issuer
    claim_mappings: Mappings
    claim_validation_rules: tuple[ClaimRule, ...] = ()
    user_validation_rules: tuple[UserRule, ...] = ()


class AnonymousCondition(Section, frozen=True, kw_only=True):
    path: str


class Anonymous(Section, frozen=True, kw_only=True):
    """`conditions`: the paths that may be asked for without credentials; none means all."""

    enabled: bool
    conditions: tuple[AnonymousCondition, ...] = ()


class AuthenticationConfiguration(Configuration, frozen=True, kw_only=True):
    jwt: tuple[JwtIssuer, ...] = ()
    anonymous: Anonymous | None = None
    # --oidc-signing-algs; a file takes all
    algorithms: tuple[str, ...] = ALGORITHMS


def configured(flags: Flags) -> AuthenticationConfiguration:
    """Raises ValueError with everything that is wrong."""
    path = flags.authentication_config
    if not path:
        return _by_flags(flags)
    for name in sorted(flags.given):
        if name.startswith("oidc_"):
            raise ValueError(f"--authentication-config and --{name.replace('_', '-')} can't be given together")
    found = config_files.load(path, AuthenticationConfiguration, "AuthenticationConfiguration", VERSIONS)
    if found.anonymous is not None and "anonymous_auth" in flags.given:
        raise ValueError(f"{path}: anonymous and --anonymous-auth can't be given together")
    problems = [problem for index, jwt in enumerate(found.jwt) for problem in _problems(jwt, f"jwt[{index}]")]
    urls = [jwt.issuer.url for jwt in found.jwt]
    problems += [f"jwt: the issuer {url} is there twice" for url in sorted({u for u in urls if urls.count(u) > 1})]
    problems += [f"jwt: {url} is this server's own issuer" for url in urls if url in flags.service_account_issuer]
    if found.anonymous is not None and found.anonymous.conditions and not found.anonymous.enabled:
        problems.append("anonymous.conditions: only together with enabled: true")
    if problems:
        raise ValueError("\n".join(f"{path}: {problem}" for problem in problems))
    return found if found.anonymous is not None else msgspec.structs.replace(found, anonymous=Anonymous(enabled=flags.anonymous_auth))


def _by_flags(flags: Flags) -> AuthenticationConfiguration:
    anonymous = Anonymous(enabled=flags.anonymous_auth)
    if not flags.oidc_issuer_url and not flags.oidc_client_id:
        return AuthenticationConfiguration(anonymous=anonymous)
    if not (flags.oidc_issuer_url and flags.oidc_client_id):
        raise ValueError("--oidc-issuer-url and --oidc-client-id go together: give both or none")
    claim, prefix = flags.oidc_username_claim, flags.oidc_username_prefix
    if not prefix:
        prefix = "" if claim == "email" else f"{flags.oidc_issuer_url}#"
    unknown = [a for a in flags.oidc_signing_algs if a not in ALGORITHMS]
    if unknown:
        raise ValueError(f"--oidc-signing-algs={','.join(unknown)}: expected some of {', '.join(ALGORITHMS)}")
    jwt = JwtIssuer(
        issuer=Issuer(
            url=flags.oidc_issuer_url,
            audiences=(flags.oidc_client_id,),
            certificate_authority=Path(flags.oidc_ca_file).read_text() if flags.oidc_ca_file else "",
        ),
        claim_mappings=Mappings(
            username=PrefixedClaim(claim=claim, prefix="" if prefix == "-" else prefix),
            groups=PrefixedClaim(claim=flags.oidc_groups_claim, prefix=flags.oidc_groups_prefix),
        ),
        claim_validation_rules=tuple(ClaimRule(claim=key, required_value=value) for key, value in flags.oidc_required_claim.items()),
    )
    problems = [f"--oidc-issuer-url: {problem}" for problem in _problems(jwt, "jwt")]
    if problems:
        raise ValueError("\n".join(problems))
    return AuthenticationConfiguration(jwt=(jwt,), anonymous=anonymous, algorithms=tuple(flags.oidc_signing_algs))


def _problems(jwt: JwtIssuer, where: str) -> Iterable[str]:
    issuer, mappings = jwt.issuer, jwt.claim_mappings
    for field, url in (("url", issuer.url), ("discoveryURL", issuer.discovery_url)):
        if url and (not url.startswith("https://") or "@" in url or "#" in url or (field == "url" and "?" in url)):
            yield f"{where}.issuer.{field}: {url}: expected an https:// address without user, query and fragment"
    if not issuer.url:
        yield f"{where}.issuer.url: is missing"
    if not issuer.audiences or not all(issuer.audiences):
        yield f"{where}.issuer.audiences: at least one is needed"
    if len(issuer.audiences) > 1 and not issuer.audience_match_policy:
        yield f"{where}.issuer.audienceMatchPolicy: must be MatchAny where there are several audiences"
    if bool(mappings.username.claim) == bool(mappings.username.expression):
        yield f"{where}.claimMappings.username: claim or expression is needed, not both"
    for name, mapping in (("username", mappings.username), ("groups", mappings.groups)):
        if mapping.claim and mapping.expression:
            yield f"{where}.claimMappings.{name}: claim or expression, not both"
        if mapping.claim and mapping.prefix is None:
            yield f'{where}.claimMappings.{name}.prefix: is needed beside claim; "" for none'
    for index, rule in enumerate(jwt.claim_validation_rules):
        at = f"{where}.claimValidationRules[{index}]"
        if bool(rule.claim) == bool(rule.expression):
            yield f"{at}: claim or expression is needed, not both"
        if rule.claim and rule.message:
            yield f"{at}.message: only beside an expression"
        if rule.expression and rule.required_value:
            yield f"{at}.requiredValue: only beside a claim"
    yield from _once(f"{where}.issuer.audiences", issuer.audiences)
    yield from _once(f"{where}.claimValidationRules", [rule.claim or rule.expression for rule in jwt.claim_validation_rules])
    yield from _once(f"{where}.userValidationRules", [rule.expression for rule in jwt.user_validation_rules])
    yield from _once(f"{where}.claimMappings.extra", [extra.key for extra in mappings.extra])
    if issuer.discovery_url and issuer.discovery_url.rstrip("/") == issuer.url.rstrip("/"):
        yield f"{where}.issuer.discoveryURL: must be another address than url"
    if mappings.uid.claim and mappings.uid.expression:
        yield f"{where}.claimMappings.uid: claim or expression, not both"
    for extra in mappings.extra:
        yield from _key(extra.key, f"{where}.claimMappings.extra[{extra.key}].key")
    yield from _verified(jwt, where)
    yield from _expressions(jwt, where)


def _once(where: str, values: Sequence[str]) -> Iterable[str]:
    for value in sorted({value for value in values if value and values.count(value) > 1}):
        yield f"{where}: {value} is there twice"


def _key(key: str, where: str) -> Iterable[str]:
    """A key of `extra` is a path below a domain, which is not Kubernetes' own."""
    domain, slash, path = key.partition("/")
    if not slash or not path or names.is_dns_subdomain(domain) or key != key.lower():
        yield f"{where}: expected a lower-case path below a domain, like example.com/team"
    elif f".{domain}".endswith((".k8s.io", ".kubernetes.io")):
        yield f"{where}: k8s.io, kubernetes.io and what is below them are reserved"


def _verified(jwt: JwtIssuer, where: str) -> Iterable[str]:
    """A name that is made of the email address is one only where that is verified."""
    mappings = jwt.claim_mappings
    if "claims.email" not in mappings.username.expression.replace("claims.email_verified", ""):
        return
    others = [extra.value_expression for extra in mappings.extra] + [rule.expression for rule in jwt.claim_validation_rules]
    if not any("claims.email_verified" in text for text in (mappings.username.expression, *others)):
        yield f"{where}.claimMappings.username.expression: uses claims.email, so claims.email_verified must be used there, in extra or in a rule"


def _expressions(jwt: JwtIssuer, where: str) -> Iterable[str]:
    mappings = jwt.claim_mappings
    texts = [(f"claimMappings.{n}", m.expression, CLAIMS) for n, m in (("username", mappings.username), ("groups", mappings.groups))]
    texts.append(("claimMappings.uid", mappings.uid.expression, CLAIMS))
    texts += [(f"claimMappings.extra[{e.key}]", e.value_expression, CLAIMS) for e in mappings.extra]
    texts += [(f"claimValidationRules[{i}]", r.expression, CLAIMS) for i, r in enumerate(jwt.claim_validation_rules)]
    texts += [(f"userValidationRules[{i}]", r.expression, USER) for i, r in enumerate(jwt.user_validation_rules)]
    for path, text, known in texts:
        if not text:
            continue
        try:
            cel.compile(text, known)
        except cel.CelError as error:
            yield f"{where}.{path}: {error}"
