"""Proves package_facts: what dpkg's database says of packages, and whose they are by what apt says of its sources."""

from __future__ import annotations

from provisioner.modules import package_facts

STATUS = """Package: one
Status: install ok installed
Section: utils
Architecture: amd64
Version: 1.0-1
Description: first
 Version: not this one

Package: gone
Status: deinstall ok config-files
Architecture: all
"""
RELEASES = """Package files:
 100 /var/lib/dpkg/status
     release a=now
 500 http://deb.example/debian stable/main amd64 Packages
     release v=12.1,o=Example,a=stable,n=stable,l=Example,c=main,b=amd64
     origin deb.example
  -1 file:/srv ./ Packages
     release c=
Pinned packages:
"""
VERSIONS = """one:
  Installed: 1.0-1
  Candidate: 2.0-1
  Version table:
     2.0-1 500
        500 http://other.example stable/main amd64 Packages
 *** 1.0-1 500
        500 http://deb.example/debian stable/main amd64 Packages
        100 /var/lib/dpkg/status
one:i386:
  Version table:
 *** 1.0-1 100
        100 /var/lib/dpkg/status
two:
  Version table:
 *** 3 100
        100 /var/lib/dpkg/status
N: Unable to locate package three
"""


def test_what_is_installed() -> None:
    assert package_facts.installed(STATUS) == [{"name": "one", "version": "1.0-1", "arch": "amd64", "category": "utils", "origin": ""}]


def test_whose_packages_they_are() -> None:
    assert package_facts.origins(RELEASES, VERSIONS) == {"one": "Example", "two": ""}
