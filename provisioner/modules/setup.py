"""setup: facts about the host, all or those of some subsets, filtered by name."""

import fnmatch
from typing import Any, Callable, Dict, FrozenSet, List, Sequence, Set, Tuple

from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.facts import distribution, hardware, network, platform_facts, services, session, settings, storage, virtual

ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
    "gather_timeout": {"type": "int", "default": 10},
    "filter": {"type": "list", "elements": "str", "default": []},
    "fact_path": {"type": "path", "default": "/etc/ansible/facts.d"},
}

Collector = Callable[[], Dict[str, Any]]
# (subset, other names for it, needs these subsets, belongs to `min`)
_SUBSETS: Sequence[Tuple[str, str, str, bool]] = (
    ("apparmor", "", "", True),
    ("caps", "system_capabilities system_capabilities_enforced", "", True),
    ("chroot", "is_chroot", "", False),
    ("cmdline", "", "", True),
    ("date_time", "", "", True),
    ("distribution", "distribution_version distribution_release distribution_major_version os_family", "", True),
    ("dns", "", "", True),
    ("env", "", "", True),
    ("fibre_channel_wwn", "", "", False),
    ("fips", "", "", True),
    ("hardware", "processor processor_cores processor_count mounts devices", "platform", False),
    ("iscsi", "", "", False),
    ("loadavg", "", "", False),
    ("local", "", "", True),
    ("lsb", "", "", True),
    ("network", "interfaces default_ipv4 default_ipv6 all_ipv4_addresses all_ipv6_addresses", "platform distribution", False),
    ("nvme", "", "", False),
    ("pkg_mgr", "", "distribution", True),
    ("platform", "system kernel kernel_version machine python_version architecture machine_id", "", True),
    ("python", "", "", True),
    ("selinux", "", "", True),
    ("service_mgr", "", "platform distribution", True),
    (
        "ssh_pub_keys",
        "ssh_host_pub_keys ssh_host_key_dsa_public ssh_host_key_rsa_public ssh_host_key_ecdsa_public ssh_host_key_ed25519_public",
        "",
        True,
    ),
    (
        "user",
        "user_id user_uid user_gid user_gecos user_dir user_shell real_user_id effective_user_id effective_group_ids",
        "",
        True,
    ),
    ("virtual", "virtualization_type virtualization_role virtualization_tech_guest virtualization_tech_host", "", False),
    ("systemd", "", "platform distribution", False),
    # Programs of others, which are asked only where they are named; no host of ours has them.
    ("facter", "", "", False),
    ("ohai", "", "", False),
)
_ALIASES = {alias: name for name, aliases, _, _ in _SUBSETS for alias in [name, *aliases.split()]}
_NAMES = {name: aliases.split() for name, aliases, _, _ in _SUBSETS}
_NEEDS = {name: needs.split() for name, _, needs, _ in _SUBSETS}
MINIMAL = frozenset(name for name, _, _, minimal in _SUBSETS if minimal)
EVERYTHING: FrozenSet[str] = frozenset(name for name, _, _, _ in _SUBSETS)


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    subsets = chosen(args["gather_subset"])
    facts: Dict[str, Any] = {}
    for name, collector in _collectors(args, context):
        if name in subsets:
            facts.update(collector())
    patterns = [pattern for pattern in args["filter"] if pattern]
    shown = {"ansible_" + key: value for key, value in facts.items() if not patterns or _matches(key, patterns)}
    if not patterns:
        shown.update(gather_subset=args["gather_subset"], module_setup=True)
    return {"changed": False, "ansible_facts": shown}


def _collectors(args: Dict[str, Any], context: Context) -> List[Tuple[str, Collector]]:
    return [
        ("platform", platform_facts.system),
        ("distribution", distribution.collect),
        ("ssh_pub_keys", settings.ssh_keys),
        ("dns", settings.resolver),
        ("env", session.environment),
        ("apparmor", services.apparmor),
        ("selinux", services.selinux),
        ("chroot", services.chroot),
        ("caps", services.capabilities),
        ("fips", settings.fips),
        ("user", session.user),
        ("cmdline", settings.command_line),
        ("date_time", session.date_time),
        ("python", platform_facts.python),
        ("virtual", virtual.collect),
        ("nvme", settings.nvme),
        ("fibre_channel_wwn", settings.fibre_channel),
        ("iscsi", settings.initiators),
        ("local", lambda: settings.local(args["fact_path"], context.warnings)),
        ("loadavg", settings.load),
        ("lsb", settings.lsb),
        ("service_mgr", services.service_manager),
        ("systemd", services.systemd),
        ("pkg_mgr", services.package_manager),
        ("network", network.collect),
        ("hardware", hardware.processors),
        ("hardware", hardware.memory),
        ("hardware", hardware.firmware),
        ("hardware", storage.devices),
        ("hardware", hardware.uptime),
        ("hardware", storage.volumes),
        ("hardware", lambda: storage.mounts(args["gather_timeout"])),
    ]


def chosen(wanted: Sequence[str]) -> Set[str]:
    """The subsets that a list of names, some with `!`, asks for: `min` and what is named, less what is excluded and not named itself.

    So exclusions alone leave `min`, as Ansible has it. Raises ModuleFailed for a name that is none; excluding one that is none is no mistake.
    """
    every = frozenset(_ALIASES)
    added: Set[str] = set(MINIMAL)
    excluded: Set[str] = set()
    named: Set[str] = set()
    for name in wanted or ["all"]:
        bare = name[1:] if name.startswith("!") else name
        group = {"all": every, "min": MINIMAL}.get(bare)
        if name != bare:
            excluded |= {bare, *_NAMES.get(bare, ())} if group is None else group - MINIMAL if bare == "all" else group
        elif group is not None:
            added |= group
        elif bare in every:
            named.add(bare)
        else:
            options = ", ".join(sorted(every))
            raise ModuleFailed("Bad subset '%s' given to Ansible. gather_subset options allowed: all, %s" % (bare, options))
    result = {_ALIASES[name] for name in (added | named) - (excluded - named) if name in _ALIASES}
    for name in list(result):
        result.update(_NEEDS[name])
    return result


def _matches(key: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(key, pattern) or fnmatch.fnmatch("ansible_" + key, pattern) for pattern in patterns)
