"""Proves what x509_certificate tells of a certificate it made: its dates, its serial number, and who signed it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

from tests.module_calls import Call


def test_a_certificate_is_told_with_dates_and_serial(call: Call, tmp_path: Path) -> None:
    key, path = tmp_path / "k.pem", tmp_path / "c.pem"
    assert call("openssl_privatekey", {"path": str(key), "type": "ECC", "curve": "secp256r1"})["changed"]
    args: dict[str, Any] = {"path": str(path), "privatekey_path": str(key), "provider": "selfsigned"}
    args["selfsigned_not_after"] = "20500101000000Z"
    checked = call("x509_certificate", args, check=True)
    assert checked["changed"] and checked["notAfter"] == "20500101000000Z" and not path.exists()
    made = call("x509_certificate", args)
    shown = subprocess.run(["openssl", "x509", "-noout", "-serial", "-in", path], check=True, capture_output=True, text=True).stdout
    assert made["serial_number"] == int(shown.strip().partition("=")[2], 16)
    assert re.fullmatch(r"\d{14}Z", made["notBefore"]) and made["notAfter"] == "20500101000000Z"
    again = call("x509_certificate", args)
    assert not again["changed"] and again["serial_number"] == made["serial_number"]


def test_a_key_that_check_mode_would_make_has_no_fingerprint(call: Call, tmp_path: Path) -> None:
    args = {"path": str(tmp_path / "k.pem"), "type": "Ed25519"}
    assert call("openssl_privatekey", args, check=True)["fingerprint"] is None
    assert len(call("openssl_privatekey", args)["fingerprint"]["shake_128"]) == 32 * 3 - 1
    assert call("openssl_privatekey", {**args, "state": "absent"})["fingerprint"] is None
