"""Proves the filters about MAC addresses by calls and what ansible.utils (with netaddr) answered to the same ones."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.templating import Templar
from provisioner.templating.errors import PluginError

ANSWERS: list[tuple[str, Any]] = [
    ("'10.1.2.3' | slaac('c2:31:b3:83:bf:2b')", False),
    ("'10.1.2.3' | slaac('junk')", False),
    ("'10.1.2.3' | slaac('')", False),
    ("'2001:db8:32c:faad::/64' | slaac('c2:31:b3:83:bf:2b')", "2001:db8:32c:faad:c031:b3ff:fe83:bf2b"),
    ("'2001:db8:32c:faad::/64' | slaac('junk')", False),
    ("'2001:db8:32c:faad::/64' | slaac('')", False),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('')", "1a:2b:3c:4d:5e:6f"),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('bare')", "1A2B3C4D5E6F"),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('bool')", True),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('int')", 28772997619311),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('cisco')", "1a2b.3c4d.5e6f"),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('eui48')", "1A-2B-3C-4D-5E-6F"),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('linux')", "1a:2b:3c:4d:5e:6f"),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('unix')", "1a:2b:3c:4d:5e:6f"),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('pgsql')", "1a2b3c:4d5e6f"),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('postgresql')", "1a2b3c:4d5e6f"),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('psql')", "1a2b3c:4d5e6f"),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('win')", "1A-2B-3C-4D-5E-6F"),
    ("'1a2b3c:4d5e6f' | hwaddr('cisco')", "1a2b.3c4d.5e6f"),
    ("'0:1:2:3:4:5' | hwaddr('')", "0:1:2:3:4:5"),
    ("'0:1:2:3:4:5' | hwaddr('bare')", "000102030405"),
    ("'0:1:2:3:4:5' | hwaddr('bool')", True),
    ("'0:1:2:3:4:5' | hwaddr('int')", 4328719365),
    ("'0:1:2:3:4:5' | hwaddr('cisco')", "0001.0203.0405"),
    ("'0:1:2:3:4:5' | hwaddr('eui48')", "00-01-02-03-04-05"),
    ("'0:1:2:3:4:5' | hwaddr('linux')", "00:01:02:03:04:05"),
    ("'0:1:2:3:4:5' | hwaddr('unix')", "0:1:2:3:4:5"),
    ("'0:1:2:3:4:5' | hwaddr('pgsql')", "000102:030405"),
    ("'0:1:2:3:4:5' | hwaddr('postgresql')", "000102:030405"),
    ("'0:1:2:3:4:5' | hwaddr('psql')", "000102:030405"),
    ("'0:1:2:3:4:5' | hwaddr('win')", "00-01-02-03-04-05"),
    ("12345 | hwaddr('int')", 12345),
    ("'abcdef' | hwaddr('bool')", None),
]
REFUSED = [
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('nope')", "hwaddr: unknown filter type: nope"),
    ("'0:1:2:3:4:5' | hwaddr('nope')", "hwaddr: unknown filter type: nope"),
]


@pytest.mark.parametrize(("expression", "expected"), ANSWERS)
def test_a_filter_answers_as_the_collection_does(expression: str, expected: Any) -> None:
    answer = Templar().evaluate(expression)
    assert (answer, type(answer)) == (expected, type(expected))


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_a_wrong_call_says_what_the_collection_says(expression: str, message: str) -> None:
    with pytest.raises(PluginError) as caught:
        Templar().evaluate(expression)
    assert str(caught.value).endswith(message)
