"""Users of an OpenID Connect provider: ID tokens signed by its keys, whose claims say name, groups and more (OpenID Connect Core 1.0).

The provider's keys are fetched when first needed and again when a token names a key that is not known, never more often than REFETCH_S.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from provisioner.kube.api import cel
from provisioner.kube.apiserver.authentication.authn_config import CLAIMS, USER, JwtIssuer, PrefixedClaim
from provisioner.kube.apiserver.authentication.tokens import TokenInvalid
from provisioner.kube.apiserver.context import User
from provisioner.kube.client.clock import Clock

log = logging.getLogger(__name__)

REFETCH_S = 10.0
FETCH_S = 10.0
DOCUMENT_BYTES = 1024 * 1024


class OidcIssuer:
    def __init__(self, config: JwtIssuer, algorithms: tuple[str, ...], clock: Clock) -> None:
        self._config, self._algorithms, self._clock = config, list(algorithms), clock
        self.url = config.issuer.url
        self._keys: dict[str, Any] = {}
        self._fetched_s: float | None = None
        self._session: aiohttp.ClientSession | None = None

    async def user_of(self, token: str) -> User:
        """Raises TokenInvalid."""
        import jwt

        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
        except jwt.PyJWTError as error:
            raise TokenInvalid(str(error)) from None
        if (kid or "") not in self._keys and not (self._keys and not kid):
            await self._refetch()
        candidates = [self._keys[kid]] if kid in self._keys else list(self._keys.values()) if not kid else []
        claims: dict[str, Any] | None = None
        for key in candidates:
            try:
                claims = jwt.decode(
                    token, key, algorithms=self._algorithms, issuer=self.url, options={"verify_aud": False, "require": ["exp"]}
                )
                break
            except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
                continue
            except jwt.PyJWTError as error:
                raise TokenInvalid(str(error)) from None
        if claims is None:
            raise TokenInvalid("signature of no key of the issuer")
        given = claims.get("aud", [])
        if not set(self._config.issuer.audiences) & set([given] if isinstance(given, str) else given):
            raise TokenInvalid("for another audience")
        try:
            return self._user(claims)
        except cel.CelError as error:
            raise TokenInvalid(f"an expression failed: {error}") from None

    async def _refetch(self) -> None:
        now = self._clock.monotonic()
        if self._fetched_s is not None and now - self._fetched_s < REFETCH_S:
            return
        self._fetched_s = now
        issuer = self._config.issuer
        try:
            found = await self._get(issuer.discovery_url or issuer.url.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self.url:
                raise ValueError(f"its discovery document says issuer {found.get('issuer')}")
            self._keys = _keys(await self._get(str(found.get("jwks_uri") or "")))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            log.warning("keys of the OIDC issuer can't be fetched issuer=%s: %s", self.url, str(error) or type(error).__name__)

    async def _get(self, url: str) -> dict[str, Any]:
        if not url.startswith("https://"):
            raise ValueError(f"expected an https:// address, got {url!r}")
        if self._session is None:
            context = ssl.create_default_context(cadata=self._config.issuer.certificate_authority or None)
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
        async with self._session.get(url, timeout=aiohttp.ClientTimeout(total=FETCH_S)) as answer:
            body = await answer.content.read(DOCUMENT_BYTES)
            if answer.status != 200:
                raise ValueError(f"{url}: status {answer.status}")
        document = msgspec.json.decode(body)
        if not isinstance(document, dict):
            raise ValueError(f"{url}: no JSON object")
        return document

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    # -- claims ----------------------------------------------------------------------------------------------------

    def _user(self, claims: dict[str, Any]) -> User:
        """Raises TokenInvalid, CelError."""
        for rule in self._config.claim_validation_rules:
            if rule.expression:
                if cel.compile(rule.expression, CLAIMS).run({"claims": claims}) is not True:
                    raise TokenInvalid(rule.message or f"claims don't satisfy {rule.expression}")
            elif claims.get(rule.claim) != rule.required_value:
                raise TokenInvalid(f"claim {rule.claim} is not {rule.required_value}")
        mappings = self._config.claim_mappings
        name = _name(mappings.username, claims)
        groups = tuple(_groups(mappings.groups, claims))
        uid = _value(mappings.uid.claim, mappings.uid.expression, claims)
        extra = {e.key: tuple(_strings(cel.compile(e.value_expression, CLAIMS).run({"claims": claims}))) for e in mappings.extra}
        extra = {key: values for key, values in extra.items() if values}
        seen = {"username": name, "groups": list(groups), "uid": uid, "extra": {k: list(v) for k, v in extra.items()}}
        for check in self._config.user_validation_rules:
            if cel.compile(check.expression, USER).run({"user": seen}) is not True:
                raise TokenInvalid(check.message or f"the user doesn't satisfy {check.expression}")
        return User(name, (*groups, "system:authenticated"), uid, extra)


def _keys(document: Mapping[str, Any]) -> dict[str, Any]:
    """kid -> key, of those in a JWKS (RFC 7517) that can verify. A key without kid has "" for its own."""
    import jwt

    found = {}
    for entry in document.get("keys") or ():
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        try:
            found[str(entry.get("kid") or "")] = jwt.PyJWK.from_dict(entry).key
        except (jwt.PyJWTError, KeyError, ValueError):
            continue
    if not found:
        raise ValueError("its key set has no usable key")
    return found


def _name(mapping: PrefixedClaim, claims: Mapping[str, Any]) -> str:
    if mapping.expression:
        found = cel.compile(mapping.expression, CLAIMS).run({"claims": claims})
        if not isinstance(found, str) or not found:
            raise TokenInvalid("the username's expression gives no name")
        return found
    value = claims.get(mapping.claim)
    if not isinstance(value, str) or not value:
        raise TokenInvalid(f"claim {mapping.claim} is not there")
    if mapping.claim == "email" and claims.get("email_verified", True) is not True:
        raise TokenInvalid("the email address is not verified")
    return (mapping.prefix or "") + value


def _groups(mapping: PrefixedClaim, claims: Mapping[str, Any]) -> list[str]:
    if mapping.expression:
        return _strings(cel.compile(mapping.expression, CLAIMS).run({"claims": claims}))
    if not mapping.claim:
        return []
    return [(mapping.prefix or "") + group for group in _strings(claims.get(mapping.claim))]


def _value(claim: str, expression: str, claims: Mapping[str, Any]) -> str:
    found = cel.compile(expression, CLAIMS).run({"claims": claims}) if expression else claims.get(claim) if claim else ""
    return found if isinstance(found, str) else ""


def _strings(value: Any) -> list[str]:
    """A string or a list of strings. Raises TokenInvalid for anything else."""
    if value in (None, ""):
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return [item for item in value if item]
    raise TokenInvalid("a claim that should be strings is not")
