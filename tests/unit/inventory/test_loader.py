"""Proves how inventories load: formats, merging, patterns, and that every mistake is named with its place at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provisioner.inventory import Ignored, Inventory, InventoryError, load
from provisioner.inventory.patterns import unmatched
from provisioner.inventory.ranges import expand

BASIC = """\
all:
  vars:
    color: red
    cluster:
      name: demo
      pod_cidr: 10.50.0.0/16
  children:
    masters:
      hosts:
        m1: {ansible_host: 10.0.0.1}
    workers:
      vars: {color: green}
      hosts:
        w[01:03]:
      children:
        big:
          vars: {color: blue}
          hosts:
            w03: {size: 9}
"""


def write(tmp_path: Path, text: str, name: str = "inventory.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def basic(tmp_path: Path) -> Inventory:
    return load([write(tmp_path, BASIC)])


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        load([write(tmp_path, text)])
    return [str(problem).replace(str(tmp_path) + "/", "") for problem in caught.value.problems]


def test_child_groups_win_over_parents_and_all(tmp_path: Path) -> None:
    inventory = basic(tmp_path)
    assert {name: host.vars["color"] for name, host in inventory.hosts.items()} == {
        "m1": "red",
        "w01": "green",
        "w02": "green",
        "w03": "blue",
    }
    assert inventory.hosts["w03"].groups == ("big", "workers")


def test_variable_files_win_over_the_source_and_hosts_over_groups(tmp_path: Path) -> None:
    (tmp_path / "group_vars" / "workers").mkdir(parents=True)
    (tmp_path / "host_vars").mkdir()
    write(tmp_path / "group_vars", "color: all-file\nonly_all: 1\n", "all.yml")
    write(tmp_path / "group_vars" / "workers", "color: file\n", "a.yml")
    write(tmp_path / "group_vars" / "workers", "color: later-file\n", "b.yml")
    write(tmp_path / "host_vars", "color: mine\n", "w02.yaml")
    inventory = basic(tmp_path)
    colors = {name: host.vars["color"] for name, host in inventory.hosts.items()}
    # Files count above what sources say for groups, so workers' file beats `big` only through depth: big has no file.
    assert colors == {"m1": "all-file", "w01": "later-file", "w02": "mine", "w03": "later-file"}
    assert inventory.hosts["m1"].vars["only_all"] == 1


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("all", ["m1", "w01", "w02", "w03"]),
        ("workers:&big", ["w03"]),
        ("!big:workers", ["w01", "w02"]),
        ("w*", ["w01", "w02", "w03"]),
        ("~w0[13]", ["w01", "w03"]),
        ("workers[0]", ["w01"]),
        ("workers[-1]", ["w03"]),
        ("workers[1:2]", ["w02", "w03"]),
        ("m1,w02", ["m1", "w02"]),
        ("workers, &big", ["w03"]),
        ("workers:&big,m1", ["m1"]),
        ("masters:workers:!w02", ["m1", "w01", "w03"]),
        ("nobody", []),
        ("localhost", ["localhost"]),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    assert [host.name for host in basic(tmp_path).match(pattern)] == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("all:nobody:!w9", ["nobody", "w9"]),
        ("workers:&big,m1", ["workers:&big"]),
        (["x*", "w*", "~q"], ["x*", "~q"]),
        ("ungrouped", []),
        ("localhost", []),
    ],
)
def test_patterns_that_match_nothing(tmp_path: Path, pattern: str | list[str], expected: list[str]) -> None:
    assert unmatched(pattern, basic(tmp_path)) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("a:b:c", ["a", "b", "c"]), ("a:b:!b", ["a"]), ("fe80::a", ["fe80::a"]), ("all:!fe80::a", ["a", "b", "c", "fe80::a"]), ([], [])],
)
def test_names_of_hexadecimal_digits_are_no_address(pattern: str | list[str], expected: list[str]) -> None:
    assert [host.name for host in load(["a,b,c,fe80::a,"]).match(pattern)] == expected


def test_limit_narrows(tmp_path: Path) -> None:
    assert [host.name for host in basic(tmp_path).match("all", "workers:!w01")] == ["w02", "w03"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web[1:3]", ["web1", "web2", "web3"]),
        ("web[08:11]", ["web08", "web09", "web10", "web11"]),
        ("db-[a:c].x", ["db-a.x", "db-b.x", "db-c.x"]),
        ("n[0:4:2]", ["n0", "n2", "n4"]),
        ("r[1:2]h[1:2]", ["r1h1", "r1h2", "r2h1", "r2h2"]),
        ("plain", ["plain"]),
    ],
)
def test_ranges(name: str, expected: list[str]) -> None:
    assert list(expand(name)) == expected


@pytest.mark.parametrize("name", ["web[5:1]", "web[1:b]", "web[1:", "web[01:100]"])
def test_bad_ranges_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="range"):
        list(expand(name))


def test_cluster_tree_is_typed_and_completed(tmp_path: Path) -> None:
    cluster = basic(tmp_path).cluster
    assert cluster is not None
    assert (cluster.name, cluster.pod_cidr, cluster.service_cidr) == ("demo", "10.50.0.0/16", "10.96.0.0/16")
    assert cluster.api_endpoint == "10.0.0.1:6443"
    assert cluster.dns.service_ip == "10.96.0.10"


def test_templates_in_the_trees_are_rendered(tmp_path: Path) -> None:
    text = BASIC.replace("name: demo", 'name: "{{ color }}-one"')
    cluster = load([write(tmp_path, text)], extra_vars={"color": "violet"}).cluster
    assert cluster is not None and cluster.name == "violet-one"


def test_all_mistakes_are_told_at_once_with_places(tmp_path: Path) -> None:
    text = BASIC.replace("name: demo", "nmae: demo\n      node_cidr_prefix: many\n      dns: {enabled: maybe}").replace(
        "10.50.0.0/16", "10.50.0.1/16"
    )
    found = problems(tmp_path, text)
    assert found == [
        "inventory.yaml:5:7: cluster.nmae: unknown key (did you mean 'name'?)",
        "inventory.yaml:6:25: cluster.node_cidr_prefix: must be a whole number, not 'many'",
        "inventory.yaml:7:22: cluster.dns.enabled: must be true or false, not 'maybe'",
        "inventory.yaml:8:17: cluster.pod_cidr: '10.50.0.1/16' is not a network such as 10.96.0.0/16: 10.50.0.1/16 has host bits set",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("10.50.0.0/16", "10.96.128.0/17"), "inventory.yaml:6:17: cluster.pod_cidr 10.96.128.0/17 overlaps cluster.service_cidr"),
        (("name: demo", "name: De_mo"), "'De_mo' is not a DNS label"),
        (("name: demo", "kubelet: {graceful_node_shutdown_critical_s: 5}"), "graceful_node_shutdown_critical_s 5 is more than"),
        (("m1: {ansible_host: 10.0.0.1}", ""), "group 'masters' has no hosts"),
        (("masters:", "master:"), "inventory.yaml:8:5: group 'masters' has no hosts (did you mean the group 'master' to be called so?)"),
        (("10.50.0.0/16", "'fd00::/64'"), "cluster.pod_cidr: 'fd00::/64' is not a network such as 10.96.0.0/16: Expected 4 octets"),
        (("name: demo", "images: [{}]"), "cluster.images[0]: must be text, not a mapping"),
        (("m1: {ansible_host", "M_1: {ansible_host"), "host 'M_1' is not a DNS name"),
        (("m1: {", "m1: {}\n        m1: {"), "inventory.yaml:11:9: key 'm1' is written twice"),
        (("{size: 9}", "{size: 9, size: 8}"), "key 'size' is written twice"),
        (("{size: 9}", "{ansible_host: 10.0.0.1}"), "hosts 'm1' and 'w03' have the same address 10.0.0.1"),
        (("{size: 9}", "{ansible_ssh_private_key_file: /nowhere/key}"), "key file /nowhere/key cannot be read"),
        (("{size: 9}", '{ansible_ssh_private_key_file: "a\\0b"}'), "cannot be read: embedded null byte"),
        (("{size: 9}", "{ansible_ssh_private_key_file: ~nobody-here/key}"), "cannot be read: Could not determine home directory"),
        (("hosts:\n        w[", "host:\n        w["), "group 'workers': unknown key 'host' (did you mean 'hosts'?)"),
        (("color: red", "color: : red"), "inventory.yaml:3:12: YAML:"),
    ],
)
def test_mistakes(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    assert any(expected in problem for problem in problems(tmp_path, BASIC.replace(*change)))


def test_what_an_alias_brings_may_be_said_again(tmp_path: Path) -> None:
    text = "all: {hosts: {a: &a {x: 1, y: 1}, b: {<<: *a, x: 2}, c: {x: 3, <<: *a}}}\n"
    assert [host.vars["x"] for host in load([write(tmp_path, text)]).hosts.values()] == [1, 2, 3]


def test_even_etcd_is_a_warning(tmp_path: Path) -> None:
    text = BASIC + "    etcd:\n      hosts:\n        m1:\n        w01:\n"
    assert "2 etcd members" in str(load([write(tmp_path, text)]).warnings[0])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("    workers:", "    worker:"), "inventory.yaml:11:5: group 'worker' is no part of the cluster (did you mean 'workers'?)"),
        (("cluster:", "clustre:"), "inventory.yaml:5:7: variable 'clustre' says nothing about the cluster (did you mean 'cluster'?)"),
    ],
)
def test_a_slip_in_a_name_that_ansible_leaves_free_is_a_warning(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    assert expected in str(load([write(tmp_path, BASIC.replace(*change))]).warnings[-1])
    assert "did you mean" not in str(load([write(tmp_path, BASIC)]).warnings)


def test_ini(tmp_path: Path) -> None:
    text = """
lone ansible_port=2222 flag=True
[web]
web[1:2].x color="light blue"
[db:children]
web
[db:vars]
size = 3
"""
    inventory = load([write(tmp_path, text, "hosts")])
    assert list(inventory.hosts) == ["lone", "web1.x", "web2.x"]
    assert inventory.hosts["lone"].vars == {"ansible_port": 2222, "flag": True}
    assert inventory.hosts["web1.x"].vars == {"size": 3, "color": "light blue"}
    assert inventory.hosts["lone"].groups == ("ungrouped",)


def test_program_and_host_list_and_directory(tmp_path: Path) -> None:
    script = write(tmp_path, '#!/bin/sh\necho \'{"g": ["a"], "_meta": {"hostvars": {"a": {"x": 1}}}}\'\n', "dynamic")
    script.chmod(0o755)
    inventory = load([tmp_path, "b,c[1:2],"])
    assert list(inventory.hosts) == ["a", "b", "c1", "c2"]
    assert inventory.hosts["a"].vars == {"x": 1}


def test_hosts_added_while_running_are_seen(tmp_path: Path) -> None:
    inventory = basic(tmp_path)
    inventory.add_host("new", ["big", "fresh"], {"size": 1})
    inventory.finish()
    assert inventory.hosts["new"].vars["color"] == "blue"
    assert [host.name for host in inventory.match("fresh")] == ["new"]


def test_groups_in_a_circle_are_refused(tmp_path: Path) -> None:
    assert "contain each other" in problems(tmp_path, "a: {children: {b: }}\nb: {children: {a: }}\n")[0]


MANY_MISTAKES = """\
all:
  vars:
    machines: {provider: nspwan, memory_mb: 1}
    cluster:
      servce_cidr: 10.96.0.0/16
      pod_cidr: 10.96.0.0/12
      images: [nope.tar]
  children:
    masters:
      hosts:
    workers:
      hosts:
        w1:
        w1:
        W_2: {ansible_ssh_private_key_file: /nonexistent/key}
"""


def test_one_kind_of_mistake_hides_no_other(tmp_path: Path) -> None:
    said = problems(tmp_path, MANY_MISTAKES)
    expected = [
        ":3:26: machines.provider",
        ":3:34: machines.memory_mb",
        ":5:7: cluster.servce_cidr",
        ":6:17: cluster.pod_cidr 10.96.0.0/12 overlaps",
        ":7:15: cluster.images: no image archive",
        ":9:5: group 'masters' has no hosts",
        ":14:9: key 'w1' is written twice",
        ":15:9: host 'W_2' is not a DNS name",
        ":15:9: host 'W_2': key file /nonexistent/key cannot be read",
    ]
    assert len(said) == len(expected), said
    for text, start in zip(said, expected, strict=True):
        assert text.startswith(f"inventory.yaml{start}"), text


def test_a_file_that_cannot_be_read_is_not_blamed_on_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("all: {vars: {cluster: {name: x}}}\n")
    (tmp_path / "b.yaml").write_text("all: {children: [\n")
    with pytest.raises(InventoryError) as caught:
        load([tmp_path])
    assert [Path(problem.file).name for problem in caught.value.problems] == ["b.yaml"]


@pytest.mark.parametrize(
    ("ignored", "expected"),
    [
        (None, ["h1", "h2", "h3"]),
        (Ignored(patterns=(re.compile("ther$"),)), ["h1", "h2"]),
        (Ignored((".skip", ".cfg")), ["h1", "h3"]),
    ],
)
def test_what_of_a_folder_is_no_inventory(tmp_path: Path, ignored: Ignored | None, expected: list[str]) -> None:
    for name, text in (("hosts", "h1"), ("more.skip", "h2"), ("other", "h3"), (".hidden", "h4"), ("ansible.cfg", "[defaults]")):
        (tmp_path / name).write_text(text + "\n")
    assert sorted(load([tmp_path], ignored=ignored).hosts) == expected


def test_groups_can_be_given_valid_names(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("all: {children: {web-a: {hosts: {h1: }, children: {'b c': {hosts: {h2: }}}}}}\n")
    (tmp_path / "b.ini").write_text("[web-a]\nh3\n[web-a:vars]\nx=1\n[top:children]\nweb-a\n")
    plain, valid = (load([tmp_path / "a.yml", tmp_path / "b.ini"], valid_group_names=wanted) for wanted in (False, True))
    assert plain.odd_group_names == valid.odd_group_names == {"web-a", "b c"}
    assert {"web-a", "b c"} < plain.groups.keys() and {"web_a", "b_c", "top"} < valid.groups.keys() and "web-a" not in valid.groups
    assert [host.name for host in valid.hosts_of("top")] == ["h1", "h3", "h2"] and valid.hosts["h2"].vars["x"] == 1
