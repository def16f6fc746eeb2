"""Proves the ipaddr family by calls and what ansible.utils (with netaddr) answered to the same ones."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.templating import Templar
from provisioner.templating.errors import PluginError
from provisioner.templating.filters.addresses import read

ANSWERS: list[tuple[str, Any]] = [
    ("'255.255.255.0' | ipaddr('size')", 1),
    ("'10.0.0.0/31' | ipaddr('ip_netmask')", "10.0.0.0 255.255.255.254"),
    ("'2001:db8:32c:faad::/64' | ipaddr('cidr')", "2001:db8:32c:faad::/64"),
    ("'2002:c000:204::1/48' | ipaddr('hostmask')", "::ffff:ffff:ffff:ffff:ffff"),
    ("'10.0.0.3/30' | ipaddr('10.0.0.0/8')", "10.0.0.3/30"),
    ("'abc/24' | ipaddr('multicast')", False),
    ("['10.0.0.1', '10.0.0.2', '10.0.0.3'] | ipaddr('host')", ["10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32"]),
    ("'abc/24' | ipaddr('cidr_lookup')", False),
    ("'10.1.2.3/33' | ipaddr('300')", False),
    ("'10.0.0.256' | ipaddr('')", False),
    ("'10.0.0.256' | ipaddr(0)", False),
    ("'abc/24' | ipaddr('ipv6')", False),
    ("1 | ipaddr('int')", 1),
    ("'2001:db8::1/128' | ipaddr('first_usable')", None),
    ("'2001:db8::1/128' | ipaddr('previous_usable')", None),
    ("True | ipaddr('192.168.1.1')", False),
    ("'198.51.100.42' | ipaddr('2001:db8::/32')", None),
    ("'198.51.100.42' | ipaddr('unicast')", "198.51.100.42"),
    ("False | ipaddr('int')", False),
    ("'2001:db8:32c:faad::5/64' | ipaddr('range_usable')", "2001:db8:32c:faad::1-2001:db8:32c:faad:ffff:ffff:ffff:fffe"),
    ("'8.8.8.8' | ipaddr('loopback')", None),
    ("'10.0.0.256' | ipaddr('version')", False),
    ("True | ipaddr('peer')", False),
    ("'abc/24' | ipaddr('lo')", False),
    ("'10.0.0.1/255.255.255.0' | ipaddr('network')", "10.0.0.0"),
    ("'192.168.32.0/24' | ipaddr('last_usable')", "192.168.32.254"),
    ("'10.1.2.3/33' | ipaddr('first_usable')", False),
    ("0 | ipaddr('broadcast')", False),
    ("0 | ipaddr('network_netmask')", False),
    ("'::1' | ipaddr('ip_netmask')", None),
    ("'8.8.8.0/24' | ipaddr('ip')", None),
    ("0 | ipaddr('size')", False),
    ("'fe80::1' | ipaddr('6to4')", False),
    ("'2001:db8::1' | ipaddr(0)", "2001:db8::1"),
    ("0 | ipaddr('subnet')", False),
    ("'224.0.0.1' | ipaddr('5')", "224.0.0.1"),
    ("'224.0.0.1' | ipaddr('router')", "224.0.0.1/32"),
    ("'not' | ipaddr('previous_usable')", False),
    ("'10.1.2' | ipaddr('nonsense')", False),
    ("'10.0.0.1/32' | ipaddr('private')", "10.0.0.1/32"),
    ("'fe80::1/10' | ipaddr('link-local')", "fe80::1/10"),
    ("'239.1.1.1' | ipaddr('gw')", "239.1.1.1/32"),
    ("False | ipaddr('network/prefix')", False),
    ("'not' | ipaddr('public')", False),
    ("'10.0.0.0/30' | ipaddr('host')", None),
    ("['10.0.0.1', '10.0.0.2', '10.0.0.3'] | ipaddr('net')", []),
    ("0 | ipaddr('private')", False),
    ("'::ffff:10.1.2.3' | ipaddr('192.168.1.1')", None),
    ("'' | ipaddr('ip_netmask')", False),
    ("'' | ipaddr('type')", False),
    ("'10.0.0.256' | ipaddr('address')", False),
    ("'10.1.2.3' | ipaddr(-1)", "10.1.2.3"),
    ("'10.1.2' | ipv4('address')", False),
    ("['2001:db8::/64', '2001:db8:0:1::/64'] | ipv4('1')", []),
    ("'not' | ipv4('10.0.0.0/8')", False),
    ("[] | ipv4('public')", []),
    ("'10.0.0.1/31' | ipv4", "10.0.0.1/31"),
    ("'0.0.0.0' | ipv4('subnet')", "0.0.0.0/32"),
    ("True | ipv6('net')", False),
    ("[] | ipv6('address')", []),
    ("'2001:db8::/32' | ipv6('net')", "2001:db8::/32"),
    ("['10.0.0.1', '10.0.0.2', '10.0.0.3'] | ipv6('host')", []),
    ("'224.0.0.1' | ipv6('network')", False),
    ("True | ipwrap", True),
    ("'10.1.2.3' | ipwrap('address')", "10.1.2.3"),
    ("['10.0.0.0/24', '10.0.1.0/24', '10.0.3.0/24'] | ipwrap('192.0.0.0/8')", ["10.0.0.0/24", "10.0.1.0/24", "10.0.3.0/24"]),
    ("['2001:db8::/64', '2001:db8:0:1::/64'] | ipwrap('public')", ["[2001:db8::]/64", "[2001:db8:0:1::]/64"]),
    ("'' | ipsubnet", False),
    ("'10.0.0.1/32' | ipsubnet('10.0.0.0/8')", "2"),
    ("'10.1.2' | ipsubnet(20)", False),
    ("'10.0.0.2/30' | ipsubnet('80')", False),
    ("'239.1.1.1' | ipsubnet('33')", False),
    ("True | ipsubnet('8', 0)", False),
    ("'10.1.2.3/33' | ipsubnet('10.0.0.0/8')", False),
    ("'2002:c000:204::1/48' | ipsubnet('72', 1)", "2002:c000:204:0:100::/72"),
    ("'10.0.0.1/31' | ipsubnet('26', 1)", False),
    ("'2a00:1450::1' | ipsubnet('26', '2')", "2a00:1450::/28"),
    ("1 | ipsubnet('26', -5)", "0.0.0.0/27"),
    ("'192.168.1.255/24' | ipsubnet('24')", "1"),
    ("'fd00::1/64' | ipsubnet('26', 0)", "fd00::/26"),
    ("'224.0.0.1' | ipsubnet(20)", "224.0.0.0/20"),
    ("'10.0.0.1/32' | ipsubnet('20')", "10.0.0.0/20"),
    ("'8.8.8.8' | ipsubnet('26', -1)", "8.8.8.8/31"),
    ("'not' | ipsubnet('20')", False),
    ("'ff02::1' | ipsubnet('8', 0)", "ff00::/8"),
    ("'192.168.1.255/24' | ipsubnet('26', -5)", False),
    ("'::1' | ipmath(300)", "::12d"),
    ("'192.168.32.0/24' | ipmath('5')", "192.168.32.5"),
    ("'10.0.0.2/30' | ipmath(-1)", "10.0.0.1"),
    ("'10.0.0.1/32' | next_nth_usable(1)", None),
    ("'10.0.0.2/30' | next_nth_usable(300)", None),
    ("'not' | next_nth_usable('5')", False),
    ("'2001:db8:32c:faad::5/64' | next_nth_usable(300)", "2001:db8:32c:faad::131"),
    ("'10.1.2' | next_nth_usable(5)", False),
    ("'' | previous_nth_usable(300)", False),
    ("'192.168.1.255/24' | previous_nth_usable(5)", "192.168.1.250"),
    ("'' | previous_nth_usable(1)", False),
    ("'10.0.0.2/30' | nthhost", False),
    ("'1.2.3.4/0.0.0.255' | nthhost(1)", "1.2.3.1"),
    ("'not' | nthhost(1)", False),
    ("'2001:db8:32c:faad::/64' | nthhost('5')", "2001:db8:32c:faad::5"),
    ("42540766412265424405338506004571095040 | nthhost(-1)", "2001:db8:32c:faad::"),
    ("'10.0.0.0/8' | network_in_network('')", False),
    ("'10.0.0.1' | network_in_network('224.0.0.1')", False),
    ("'169.254.1.2/16' | network_in_network('10.1.2.3')", False),
    ("'2001:db8::/32' | network_in_network('10.0.0.1/255.255.255.0')", False),
    ("'10.1.2.0/25' | network_in_network('2a00:1450::1')", False),
    ("'2001:db8::/32' | network_in_usable('10.0.0.256')", False),
    ("'10.1.2.0/25' | network_in_usable('2001:db8::1')", False),
    ("'10.1.2.0/25' | network_in_usable('10.1.2.3/24')", False),
    ("'2001:db8::/32' | network_in_usable('2002:c000:204::1/48')", False),
    ("'10.0.0.1' | network_in_usable('192.168.1.255/24')", False),
    ("'8.8.8.8' | ip4_hex(':')", "08:08:08:08"),
    ("'8.8.8.8' | ip4_hex", "08080808"),
    ("'224.0.0.1' | ipcut(24)", "224.0.0"),
    ("'2a00:1450::1' | ipv6form('x509')", "2a00:1450:0:0:0:0:0:1"),
    ("'100.64.0.1' | ipv6form('expand')", "100.64.0.1"),
    ("'fe80::1' | ipv6form('compress')", "fe80::1"),
    ("['10.0.0.1', '10.0.0.2', '10.0.0.3'] | cidr_merge('span')", "10.0.0.0/30"),
    ("[] | cidr_merge", []),
    ("[] | reduce_on_network('10.0.0.0/22')", []),
]
REFUSED = [
    ("None | ipaddr('size')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('revdns')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('ip')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('300')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('prefix')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr(1)", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('int')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('gateway')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('link-local')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('network/prefix')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("3232235777 | ipaddr('next_usable')", "Not a network address"),
    ("None | ipaddr('wrap')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("'::ffff:10.1.2.3' | ipaddr('first_usable')", "Not a network address"),
    ("None | ipaddr('network_netmask')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('address')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('net')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('network')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('ip/prefix')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('bool')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("None | ipaddr('broadcast')", "Unrecognized type <<class 'NoneType'>> for ipaddr filter <value>"),
    ("1 | ipaddr('previous_usable')", "Not a network address"),
    ("None | ipv6('address')", "Unrecognized type <<class 'NoneType'>> for ipv6 filter <value>"),
    ("None | ipv6('net')", "Unrecognized type <<class 'NoneType'>> for ipv6 filter <value>"),
    ("None | ipv6('network')", "Unrecognized type <<class 'NoneType'>> for ipv6 filter <value>"),
    ("'10.0.0.3/30' | ipsubnet('26')", "Requested subnet size of 26 is invalid"),
    ("'10.0.0.3/30' | ipsubnet('24')", "Requested subnet size of 24 is invalid"),
    ("'2001:db8:32c:faad::/64' | ipsubnet('16')", "Requested subnet size of 16 is invalid"),
    ("'192.168.1.255/24' | ipsubnet('192.168.1.1')", "192.168.1.0/24 is not in the subnet 192.168.1.1/32"),
    ("'224.0.0.1' | ipsubnet('-1')", "You must pass a valid subnet or IP address; -1 is invalid"),
    ("'10.0.0.1/255.255.255.0' | ipsubnet('2001:db8::/32')", "10.0.0.0/24 is not in the subnet 2001:db8::/32"),
    ("'10.0.0.256' | ipmath(0)", "You must pass a valid IP address; 10.0.0.256 is invalid"),
    ("'not' | ipmath(1)", "You must pass a valid IP address; not is invalid"),
    ("'0.0.0.0/0' | previous_nth_usable('5')", "failed to detect a valid IP address from -5"),
    ("'0.0.0.0/0' | previous_nth_usable(1)", "failed to detect a valid IP address from -1"),
    ("'2001:db8:32c:faad::/64' | ip4_hex", "You must pass a valid IP address; 2001:db8:32c:faad::/64 is invalid"),
    ("'10.0.0.0/30' | ip4_hex(':')", "You must pass a valid IP address; 10.0.0.0/30 is invalid"),
    ("'10.0.0.1/255.255.255.0' | ipcut(16)", "You must pass a valid IP address; 10.0.0.1/255.255.255.0 is invalid"),
    ("'10.1.2.3/24' | ipcut(-64)", "You must pass a valid IP address; 10.1.2.3/24 is invalid"),
    ("'2001:db8::/127' | ipcut(8)", "You must pass a valid IP address; 2001:db8::/127 is invalid"),
    ("'2001:db8::1/128' | ipv6form('x509')", "You must pass a valid IP address; 2001:db8::1/128 is invalid"),
    ("'10.0.0.0/30' | ipv6form('expand')", "You must pass a valid IP address; 10.0.0.0/30 is invalid"),
    ("['10.0.0.1', '10.0.0.2', '10.0.0.3'] | cidr_merge('x')", "cidr_merge: invalid action 'x'"),
]


@pytest.mark.parametrize(("expression", "expected"), ANSWERS)
def test_a_query_answers_as_ansible_utils_does(expression: str, expected: Any) -> None:
    answer = Templar().evaluate(expression)
    assert (answer, type(answer)) == (expected, type(expected))


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_a_wrong_call_says_what_ansible_utils_says(expression: str, message: str) -> None:
    with pytest.raises(PluginError, match=r"The filter plugin 'ansible\.utils") as caught:
        Templar().evaluate(expression)
    assert str(caught.value).endswith(message)


def test_a_netmask_and_a_hostmask_are_read_as_lengths() -> None:
    assert [found.prefix for text in ("10.0.0.1/255.255.240.0", "10.0.0.1/0.0.0.255", "10.0.0.1/0.0.0.0") if (found := read(text))] == [
        20,
        24,
        0,
    ]
    assert read("10.0.0.1/255.0.255.0") is None


def test_a_range_too_long_to_list_is_refused() -> None:
    assert Templar().evaluate("'10.0.0.0/30' | ansible.utils.usable_range")["number_of_ips"] == 4
    with pytest.raises(PluginError, match="at most 65536 are listed"):
        Templar().evaluate("'10.0.0.0/8' | usable_range")
