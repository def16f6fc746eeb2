"""The certificates on the operator's disk: makes what is missing, renews what nears its end or no longer fits, leaves the rest alone.

Layout below the given directory: the three authorities (`ca`, `etcd/ca`, `front-proxy-ca`), the service-account pair `sa.key`/`sa.pub`,
`admin.crt`/`admin.key`, and `hosts/<name>/…` with the leaves of each host. Directories are 0700, keys 0600, all writes atomic.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provisioner.pki import authority, inspect
from provisioner.pki.authority import Pair
from provisioner.pki.errors import PkiError
from provisioner.pki.profile import Authority, Leaf, PkiPlan, leaves


@dataclass(frozen=True)
class Change:
    """One file pair that was made (or, when only asked, would be made), and why."""

    path: str
    reason: str


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def ensure(directory: Path, plan: PkiPlan, *, now: Callable[[], datetime.datetime] = utc_now, check: bool = False) -> list[Change]:
    """Afterwards every certificate of the plan exists and is good. Returns what changed; with `check`, what would, and writes nothing.

    An authority is never replaced by itself: when one has expired or can't be read, PkiError says so, because a new one would cut off
    every host at once.
    """
    moment = now()
    changes: list[Change] = []
    authorities = {}
    for kind in Authority:
        pair = _authority(directory, kind, plan, moment, check, changes)
        authorities[kind] = pair
    _service_account(directory, check, changes)
    for leaf in leaves(plan):
        _leaf(directory, leaf, authorities[leaf.authority], plan, moment, check, changes)
    return changes


def load_pair(directory: Path, path: str) -> Pair | None:
    """The pair at `path` (without suffix); None when either file is absent. Raises PkiError when one can't be read."""
    certificate_file, key_file = directory / f"{path}.crt", directory / f"{path}.key"
    if not certificate_file.exists() or not key_file.exists():
        return None
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (ValueError, OSError) as e:
        raise PkiError(f"{directory / path}: can't be read: {e}", hint="restore both files from a backup, or remove both") from e
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise PkiError(f"{key_file}: is not the key of {certificate_file.name}", hint="restore both files from a backup, or remove both")
    return Pair(certificate, key)


def write(path: Path, data: bytes, mode: int) -> None:
    """Atomic, with directories 0700; the file never exists with a wider mode."""
    private_directory(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def private_directory(path: Path) -> None:
    """`path` and what is missing above it, each 0700 (mkdir's own `parents` would ignore the mode)."""
    if not path.exists():
        private_directory(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def _write_pair(directory: Path, path: str, pair: Pair) -> None:
    # The key first: a certificate without its key would look complete to a reader that checks only one.
    write(directory / f"{path}.key", pair.key_pem, 0o600)
    write(directory / f"{path}.crt", pair.certificate_pem, 0o644)


def _authority(directory: Path, kind: Authority, plan: PkiPlan, now: datetime.datetime, check: bool, changes: list[Change]) -> Pair:
    found = load_pair(directory, kind.value)
    if found is not None:
        if found.certificate.not_valid_after_utc <= now:
            raise PkiError(
                f"{directory / kind.value}.crt: the authority expired on {found.certificate.not_valid_after_utc:%Y-%m-%d}",
                hint="a new one means new certificates on every host at once: remove its .crt and .key to have that",
            )
        return found
    made = authority.make_authority(kind.common_name, now=now, days=plan.lifetimes.ca_days, cluster=plan.cluster)
    changes.append(Change(kind.value, "absent"))
    if not check:
        _write_pair(directory, kind.value, made)
    return made


def _service_account(directory: Path, check: bool, changes: list[Change]) -> None:
    private, public = directory / "sa.key", directory / "sa.pub"
    if private.exists():
        key = serialization.load_pem_private_key(private.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        if public.exists() and public.read_bytes() == authority.public_pem(key):
            return
    else:
        key = authority.new_key()
    changes.append(Change("sa", "absent"))
    if not check:
        write(private, authority.private_pem(key), 0o600)
        write(public, authority.public_pem(key), 0o644)


def _leaf(directory: Path, leaf: Leaf, signer: Pair, plan: PkiPlan, now: datetime.datetime, check: bool, changes: list[Change]) -> None:
    try:
        found = load_pair(directory, leaf.path)
        reason = _reason_to_renew(found, leaf, signer, plan, now)
    except PkiError as e:  # a leaf is cheap: a damaged one is made again
        reason = e.message
    if not reason:
        return
    changes.append(Change(leaf.path, reason))
    if not check:
        _write_pair(directory, leaf.path, authority.issue(signer, leaf, now=now, days=plan.lifetimes.leaf_days))


def _reason_to_renew(found: Pair | None, leaf: Leaf, signer: Pair, plan: PkiPlan, now: datetime.datetime) -> str:
    if found is None:
        return "absent"
    left = found.certificate.not_valid_after_utc - now
    # A lifetime shorter than the renewal window would renew on every run: half of it is then the limit.
    limit_days = min(plan.lifetimes.renew_before_days, plan.lifetimes.leaf_days / 2)
    authority_ends_first = signer.certificate.not_valid_after_utc <= found.certificate.not_valid_after_utc
    if left <= datetime.timedelta(0):
        return "expired"
    if left < datetime.timedelta(days=limit_days) and not authority_ends_first:
        return f"{left.days} days left"
    return "; ".join(inspect.differences(found.certificate, leaf, signer.certificate))
