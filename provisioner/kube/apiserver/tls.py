"""The listener's TLS: the certificate that was given, others for some names, or a self-signed one that is made once and kept in --cert-dir."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from provisioner.kube.client.clock import Clock
from provisioner.kube.client.flags import Flags, comma_list
from provisioner.kube.client.serving import self_signed, serving_context

log = logging.getLogger(__name__)

# How often files are looked at, as upstream.
RELOAD_S = 60.0
NAMES = ("localhost", "127.0.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
# Go's name of a TLS 1.2 suite -> OpenSSL's.
_SUITES = {
    f"TLS_{exchange}_WITH_{cipher}": f"{exchange.replace('_', '-')}-{ours}"
    for exchange in ("ECDHE_ECDSA", "ECDHE_RSA")
    for cipher, ours in (
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
        ("CHACHA20_POLY1305", "CHACHA20-POLY1305"),
    )
}
_TLS13 = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})


def ciphers_of(names: list[str]) -> list[str]:
    """OpenSSL's names of TLS 1.2 suites. Raises ValueError naming those that are not offered."""
    unknown = [name for name in names if name not in _SUITES and name not in _TLS13]
    if unknown:
        raise ValueError(f"--tls-cipher-suites={','.join(unknown)}: expected some of {', '.join(_SUITES)}")
    return [_SUITES[name] for name in names if name in _SUITES]


class NamedPair(NamedTuple):
    """A certificate for who asks for one of `names` (`*.domain` for all below); without names, for those in the certificate."""

    cert: str
    key: str
    names: tuple[str, ...]


def named_pairs(text: str) -> list[NamedPair]:
    """--tls-sni-cert-key: `cert,key` or `cert,key:name,name`."""
    files, _, names = text.partition(":")
    cert, comma, key = files.partition(",")
    if not comma or not cert or not key or "," in key:
        raise ValueError("expected cert,key or cert,key:name,name")
    return [NamedPair(cert, key, tuple(name.lower() for name in comma_list(names)))]


class Listener:
    """What the port answers with. Files that change are taken over for new connections; of CAs, what is new in them. `authorities` is called when a CA's
    file has changed, by whom what is gone from it must not be trusted any more."""

    def __init__(self, flags: Flags, advertise: str, authorities: Callable[[], None] = lambda: None) -> None:
        self._changed = authorities
        cert, key = flags.tls_cert_file, flags.tls_private_key_file
        names = [advertise, *NAMES]
        if not cert:
            cert, key = _kept(Path(flags.cert_dir), names)
        self._flags = flags
        self.context = self._made(cert, key, names)
        self._by_name: dict[str, ssl.SSLContext] = {}
        # how each file's contents are taken over, and what they were
        self._watched: list[tuple[tuple[str, ...], Callable[[], None]]] = []
        if cert:
            self._watched.append(((cert, key), partial(_load, self.context, cert, key)))
        for pair in reversed(flags.tls_sni_cert_key):
            context = self._made(pair.cert, pair.key, ())
            self._watched.append(((pair.cert, pair.key), partial(_load, context, pair.cert, pair.key)))
            self._by_name |= dict.fromkeys(pair.names or _names_in(pair.cert), context)
        for context in (self.context, *self._by_name.values()):
            for authority in self._authorities():
                self._watched.append(((authority,), partial(self._trust, context, authority)))
        if self._by_name:
            self.context.sni_callback = self._choose
        self._seen = [_contents(files) for files, _ in self._watched]

    def _authorities(self) -> list[str]:
        return [path for path in (self._flags.client_ca_file, self._flags.requestheader_client_ca_file) if path]

    def _trust(self, context: ssl.SSLContext, authority: str) -> None:
        context.load_verify_locations(authority)
        self._changed()

    def _made(self, cert: str, key: str, names: Sequence[str]) -> ssl.SSLContext:
        flags = self._flags
        context = serving_context(cert, key, names=names)
        if flags.tls_min_version == "VersionTLS13":
            context.minimum_version = ssl.TLSVersion.TLSv1_3
        ciphers = ciphers_of(flags.tls_cipher_suites)
        if ciphers:
            context.set_ciphers(":".join(ciphers))
        for authority in self._authorities():
            context.load_verify_locations(authority)
            context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _choose(self, connection: Any, name: str | None, _: ssl.SSLContext) -> None:
        asked = (name or "").lower()
        found = self._by_name.get(asked) or self._by_name.get(f"*.{asked.partition('.')[2]}")
        if found is not None:
            connection.context = found

    def refresh(self) -> None:
        """Take over what has changed; what can't be taken over is told, and what was before stays."""
        for index, (files, load) in enumerate(self._watched):
            now = _contents(files)
            if now == self._seen[index] or None in now:
                continue
            try:
                load()
            except (ssl.SSLError, OSError, ValueError) as error:
                log.error("certificate is not taken over files=%s: %s", ",".join(files), error)
                continue
            self._seen[index] = now
            log.info("certificate reloaded files=%s", ",".join(files))

    async def run(self, clock: Clock) -> None:
        while True:
            await clock.sleep(RELOAD_S)
            self.refresh()


def _contents(files: Sequence[str]) -> list[bytes | None]:
    return [Path(file).read_bytes() if Path(file).is_file() else None for file in files]


def _load(context: ssl.SSLContext, cert: str, key: str) -> None:
    # Files that don't belong together must not leave half of them behind.
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    context.load_cert_chain(cert, key)


def _names_in(cert: str) -> list[str]:
    from cryptography import x509

    found = x509.load_pem_x509_certificates(Path(cert).read_bytes())[0]
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = [str(a.value) for a in found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    return [name.lower() for name in names]


def _kept(folder: Path, names: list[str]) -> tuple[str, str]:
    """The files of a certificate of our own, under upstream's names; ("", "") where they can't be kept."""
    cert, key = folder / "apiserver.crt", folder / "apiserver.key"
    if cert.is_file() and key.is_file():
        return str(cert), str(key)
    pem = self_signed(names)
    parts = [b"-----BEGIN" + part for part in pem.split(b"-----BEGIN") if part.strip()]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        key.touch(0o600)
        key.write_bytes(b"".join(p for p in parts if b"PRIVATE KEY" in p))
        cert.write_bytes(b"".join(p for p in parts if b"CERTIFICATE" in p))
    except OSError as error:
        log.warning("certificate can't be kept, it lasts for this run only folder=%s: %s", folder, error)
        return "", ""
    log.info("self-signed certificate made file=%s", cert)
    return str(cert), str(key)
