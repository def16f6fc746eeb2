"""Reading certificates back: days left, and the reasons why one no longer fits."""

from __future__ import annotations

import dataclasses
import datetime

from provisioner.pki.authority import issue, make_authority
from provisioner.pki.inspect import differences, load, report
from provisioner.pki.profile import Authority, Leaf, Usage

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
LEAF = Leaf("x", Authority.CLUSTER, "kube-apiserver", Usage.SERVER, dns_names=("a", "b"), addresses=("10.0.0.1",))
CA = make_authority("ca", now=NOW, days=100)


def test_report_counts_days() -> None:
    pair = issue(CA, LEAF, now=NOW, days=20)
    found = report(load(pair.certificate_pem), now=NOW + datetime.timedelta(days=5))
    assert (found.subject, found.issuer, found.days_left) == ("CN=kube-apiserver", "CN=ca", 15)


def test_differences_name_what_no_longer_fits() -> None:
    certificate = issue(CA, LEAF, now=NOW, days=20).certificate
    assert differences(certificate, LEAF, CA.certificate) == []
    wanted = dataclasses.replace(LEAF, dns_names=("a", "c"), common_name="other", usage=Usage.CLIENT)
    assert differences(certificate, wanted, CA.certificate) == [
        "common name 'kube-apiserver', wanted 'other'",
        "lacks c",
        "no longer answers to b",
        "other usages",
    ]
    stranger = make_authority("ca", now=NOW, days=100)
    assert differences(certificate, LEAF, stranger.certificate) == ["signed by another authority"]
