"""Service-account tokens: signed JWTs bound to an audience, a time, and the objects they stand for (TokenRequest, RFC 7519)."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from provisioner.kube.apiserver.context import User
from provisioner.kube.client.clock import Clock

# Upstream's bounds of expirationSeconds.
MIN_S, MAX_S = 600, 1 << 32
# What the admission plug-in ServiceAccount asks for; and a year, as upstream extends it.
POD_TOKEN_S, EXTENDED_S = 3607, 365 * 24 * 3600
# Tokens whose signature was checked; all are forgotten when there are more.
VERIFIED = 8192


class TokenInvalid(Exception):
    """Not a token that we would have made, or no longer valid; the message never has the token."""


# (namespace, name, uid) of a bound object exists? Kinds: ServiceAccount, Pod, Secret, Node
Exists = Callable[[str, str, str, str], bool]


_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


def _public_keys(path: Path) -> list[Any]:
    """Of a file's public and private keys and certificates, any number of them. Raises ValueError."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    found: list[Any] = []
    try:
        for block in _PEM.finditer(path.read_bytes()):
            if b"PRIVATE KEY" in block[1]:
                found.append(serialization.load_pem_private_key(block[0], None).public_key())
            elif b"PUBLIC KEY" in block[1]:
                found.append(serialization.load_pem_public_key(block[0]))
            elif block[1] == b"CERTIFICATE":
                found.append(x509.load_pem_x509_certificate(block[0]).public_key())
    except (ValueError, TypeError):
        found.clear()
    if not found:
        raise ValueError(f"--service-account-key-file={path}: expected public or private keys as PEM, not encrypted")
    return found


class ServiceAccountTokens:
    """Signs with one key, verifies with several. Key files hold PEM, RSA or EC."""

    def __init__(
        self,
        issuers: Sequence[str],
        audiences: Sequence[str],
        signing_key: Path | None,
        verify_keys: Sequence[Path],
        clock: Clock,
        exists: Exists,
        max_s: int = MAX_S,
        made_key: bytes = b"",
        *,
        extends: bool = False,
    ) -> None:
        """`made_key` is the PEM of a signing key that is in no file. `extends`: pods whose clients never read their token anew keep it."""
        from cryptography.hazmat.primitives import serialization

        self.issuers, self.issuer = tuple(issuers), issuers[0]
        self.audiences, self.max_s = tuple(audiences) or self.issuers, max_s
        # token -> its claims: a signature is checked once, all else at each request
        self._verified: dict[str, dict[str, Any]] = {}
        self._clock, self._exists, self._extends = clock, exists, extends
        self._signing: tuple[str, str, Any] | None = None
        self._verifying: dict[str, tuple[str, Any]] = {}
        publics = [key for path in verify_keys for key in _public_keys(path)]
        if signing_key is not None or made_key:
            pem = made_key if signing_key is None else signing_key.read_bytes()
            try:
                private = serialization.load_pem_private_key(pem, None)
            except (ValueError, TypeError):
                raise ValueError(
                    f"--service-account-signing-key-file={signing_key}: expected a private key as PEM, not encrypted"
                ) from None
            publics.append(private.public_key())
            self._signing = (key_id(private.public_key()), _algorithm(private.public_key()), private)
        for public in publics:
            self._verifying[key_id(public)] = (_algorithm(public), public)

    @property
    def can_sign(self) -> bool:
        return self._signing is not None

    def sign(
        self,
        namespace: str,
        name: str,
        uid: str,
        *,
        audiences: Sequence[str],
        expires_s: int,
        bound: dict[str, dict[str, str]] | None = None,
    ) -> tuple[str, str]:
        """(token, when to renew it as RFC 3339). `bound` has pod, secret or node as {name, uid}."""
        import jwt

        if self._signing is None:
            raise TokenInvalid("this server has no --service-account-signing-key-file")
        kid, algorithm, private = self._signing
        now = self._clock.now()
        expires = ends = now + timedelta(seconds=max(MIN_S, min(self.max_s, expires_s)))
        told: dict[str, Any] = {}
        if (
            self._extends
            and expires_s == POD_TOKEN_S
            and "pod" in (bound or {})
            and set(audiences or self.audiences) <= set(self.audiences)
        ):
            told["warnafter"] = int(expires.timestamp())
            ends = now + timedelta(seconds=min(self.max_s, EXTENDED_S))
        claims = {
            "aud": list(audiences) or list(self.audiences),
            "exp": int(ends.timestamp()),
            "iat": int(now.timestamp()),
            "jti": str(uuid.uuid4()),
            "nbf": int(now.timestamp()),
            "iss": self.issuer,
            "sub": f"system:serviceaccount:{namespace}:{name}",
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}, **(bound or {}), **told},
        }
        token = jwt.encode(claims, private, algorithm=algorithm, headers={"kid": kid})
        return token, expires.strftime("%Y-%m-%dT%H:%M:%SZ")

    def verify(self, token: str, audiences: Sequence[str] = ()) -> User:
        """The service account that the token is for. Raises TokenInvalid."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._checked(token)
            if len(self._verified) >= VERIFIED:
                self._verified.clear()
            self._verified[token] = claims
        elif claims["exp"] <= self._clock.now().timestamp():
            del self._verified[token]
            raise TokenInvalid("expired")
        given = claims.get("aud", [])
        if not set(audiences or self.audiences) & set([given] if isinstance(given, str) else given):
            raise TokenInvalid("for another audience")
        return self._user(claims)

    def audiences_of(self, token: str, wanted: Sequence[str]) -> list[str]:
        """Which of the wanted audiences a verified token is for."""
        given = self._verified.get(token, {}).get("aud", [])
        return [a for a in wanted if a in ([given] if isinstance(given, str) else given)]

    def _checked(self, token: str) -> dict[str, Any]:
        """The claims of a token that one of our keys has signed. Raises TokenInvalid."""
        import jwt

        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            candidates = [self._verifying[kid]] if kid in self._verifying else list(self._verifying.values())
            for algorithm, public in candidates:
                try:
                    claims: dict[str, Any] = jwt.decode(
                        token,
                        public,
                        algorithms=[algorithm],
                        issuer=list(self.issuers),
                        options={"verify_aud": False, "require": ["exp", "sub"]},
                    )
                    return claims
                except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
                    continue
        except jwt.PyJWTError as error:
            raise TokenInvalid(str(error)) from None
        raise TokenInvalid("signature of no key of ours")

    def _user(self, claims: dict[str, Any]) -> User:
        private = claims.get("kubernetes.io") or {}
        namespace, account = private.get("namespace", ""), private.get("serviceaccount") or {}
        name, uid = account.get("name", ""), account.get("uid", "")
        if claims["sub"] != f"system:serviceaccount:{namespace}:{name}":
            raise TokenInvalid("not a service account's")
        if not self._exists("ServiceAccount", namespace, name, uid):
            raise TokenInvalid(f"service account {namespace}/{name} is gone")
        extra: dict[str, tuple[str, ...]] = {}
        if claims.get("jti"):
            extra["authentication.kubernetes.io/credential-id"] = (f"JTI={claims['jti']}",)
        for kind, where in (("pod", namespace), ("secret", namespace), ("node", "")):
            bound = private.get(kind)
            if bound:
                # A pod's token names the node for the record only: it lives as long as the pod.
                told_only = kind == "node" and private.get("pod")
                if not told_only and not self._exists(kind.capitalize(), where, bound.get("name", ""), bound.get("uid", "")):
                    raise TokenInvalid(f"{kind} {bound.get('name')} is gone")
                if kind != "secret":
                    extra[f"authentication.kubernetes.io/{kind}-name"] = (bound.get("name", ""),)
                    extra[f"authentication.kubernetes.io/{kind}-uid"] = (bound.get("uid", ""),)
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        return User(claims["sub"], groups, uid, extra)

    def jwks(self) -> dict[str, Any]:
        """The public keys (RFC 7517), for others who verify our tokens."""
        return {"keys": [_jwk(kid, algorithm, public) for kid, (algorithm, public) in self._verifying.items()]}


def key_id(public: Any) -> str:
    """The hash of the public key, as upstream's key IDs."""
    from cryptography.hazmat.primitives import serialization

    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


def _algorithm(public: Any) -> str:
    curve = getattr(getattr(public, "curve", None), "name", "")
    return {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}.get(curve, "RS256")


def _jwk(kid: str, algorithm: str, public: Any) -> dict[str, Any]:
    def number(value: int, length: int) -> str:
        return base64.urlsafe_b64encode(value.to_bytes(length, "big")).decode().rstrip("=")

    numbers = public.public_numbers()
    if algorithm == "RS256":
        shape = {"kty": "RSA", "n": number(numbers.n, (numbers.n.bit_length() + 7) // 8), "e": number(numbers.e, 3)}
    else:
        size = (public.curve.key_size + 7) // 8
        shape = {"kty": "EC", "crv": f"P-{public.curve.key_size}", "x": number(numbers.x, size), "y": number(numbers.y, size)}
    return {"use": "sig", "kid": kid, "alg": algorithm, **shape}
