"""Proves how keys are read through the openssl program: type, size, curve, fingerprints, and that passphrases stand in no command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provisioner.agent import openssl
from provisioner.agent.context import Context, ModuleFailed

KEYS = [
    (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], openssl.KeyFacts("RSA", 1024, None)),
    (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"], openssl.KeyFacts("ECC", 256, "prime256v1")),
    (["-algorithm", "Ed25519"], openssl.KeyFacts("Ed25519", 256, None)),
    (["-algorithm", "X448"], openssl.KeyFacts("X448", 448, None)),
]


def generated(*words: str) -> bytes:
    return subprocess.run(["openssl", "genpkey", *words], capture_output=True, check=True).stdout


@pytest.mark.parametrize(("words", "facts"), KEYS)
def test_key_facts(words: list[str], facts: openssl.KeyFacts) -> None:
    key = generated(*words)
    assert openssl.key_facts(Context(), key, None) == facts
    prints = openssl.fingerprints(openssl.public_key(Context(), key, None))
    assert (len(prints["sha256"]), prints["sha256"].count(":")) == (95, 31)


def test_what_is_no_key() -> None:
    with pytest.raises(openssl.BadKey):
        openssl.key_facts(Context(), b"nothing", None)
    with pytest.raises(ModuleFailed, match="The private key file /none does not exist"):
        openssl.key_text({"privatekey_path": "/none", "privatekey_content": None})


def test_a_passphrase_goes_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openssl").write_text('#!/bin/sh\necho "$@ / $PROVISION_PASSPHRASE"\n')
    (tmp_path / "openssl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert (
        openssl.run(Context(), ["pkey", "-passin", "env:" + openssl.SECRET], passphrase="word")[1]
        == "pkey -passin env:PROVISION_PASSPHRASE / word\n"
    )
