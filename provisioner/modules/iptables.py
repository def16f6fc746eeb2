"""iptables: one rule, a chain, a chain's policy, or none of them any more, in the kernel's tables (nothing is saved for the next start)."""

import re
from typing import Any, Dict, List, Optional

from provisioner.agent.context import Context, ModuleFailed, shown

ARGUMENTS: Dict[str, Any] = {
    "table": {"default": "filter", "choices": ["filter", "nat", "mangle", "raw", "security"]},
    "state": {"default": "present", "choices": ["absent", "present"]},
    "action": {"default": "append", "choices": ["append", "insert"]},
    "ip_version": {"default": "ipv4", "choices": ["ipv4", "ipv6", "both"]},
    "chain": {},
    "rule_num": {},
    "protocol": {},
    "wait": {},
    "source": {},
    "to_source": {},
    "destination": {},
    "to_destination": {},
    "match": {"type": "list", "elements": "str", "default": []},
    "tcp_flags": {
        "type": "dict",
        "options": {"flags": {"type": "list", "elements": "str"}, "flags_set": {"type": "list", "elements": "str"}},
    },
    "jump": {},
    "gateway": {},
    "log_prefix": {},
    "log_level": {"choices": [str(n) for n in range(8)] + ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"]},
    "goto": {},
    "in_interface": {},
    "out_interface": {},
    "fragment": {},
    "set_counters": {},
    "source_port": {},
    "destination_port": {},
    "destination_ports": {"type": "list", "elements": "str", "default": []},
    "to_ports": {},
    "set_dscp_mark": {},
    "set_dscp_mark_class": {},
    "comment": {},
    "ctstate": {"type": "list", "elements": "str", "default": []},
    "src_range": {},
    "dst_range": {},
    "match_set": {},
    "match_set_flags": {"choices": ["src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"]},
    "limit": {},
    "limit_burst": {},
    "uid_owner": {},
    "gid_owner": {},
    "reject_with": {},
    "icmp_type": {},
    "syn": {"default": "ignore", "choices": ["ignore", "match", "negate"]},
    "flush": {"type": "bool", "default": False},
    "policy": {"choices": ["ACCEPT", "DROP", "QUEUE", "RETURN"]},
    "chain_management": {"type": "bool", "default": False},
    "numeric": {"type": "bool", "default": False},
    "_rules": {
        "mutually_exclusive": [["set_dscp_mark", "set_dscp_mark_class"], ["flush", "policy"]],
        "required_if": [["jump", "TEE", ["gateway"]], ["jump", "tee", ["gateway"]], ["flush", False, ["chain"]]],
        "required_by": {"set_dscp_mark": ["jump"], "set_dscp_mark_class": ["jump"]},
    },
}
_PROGRAMS = {"ipv4": "iptables", "ipv6": "ip6tables"}
_ICMP = {"ipv4": "--icmp-type", "ipv6": "--icmpv6-type"}


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    args = dict(args, jump=_jump(args))
    versions = ["ipv4", "ipv6"] if args["ip_version"] == "both" else [args["ip_version"]]
    result: Dict[str, Any] = {key: args[key] for key in ("ip_version", "table", "chain", "flush", "state", "chain_management", "wait")}
    result.update(changed=False, rule=" ".join(rule_of(args, versions[0])))
    for version in versions:
        table = _Table(context.which(_PROGRAMS[version]), args, context)
        result["changed"] = _one(table, args, rule_of(args, version), context) or result["changed"]
    return result


def _jump(args: Dict[str, Any]) -> Optional[str]:
    """Where a rule leads when other options say so."""
    jump: Optional[str] = args["jump"]
    for name in ("set_dscp_mark", "set_dscp_mark_class"):
        if args[name] is not None and jump is None:
            raise ModuleFailed("missing parameter(s) required by '%s': jump" % name)
    if args["log_prefix"] is not None or args["log_level"] is not None:
        if jump is not None and jump != "LOG":
            raise ModuleFailed("Logging options can only be used with the LOG jump target.")
        return "LOG"
    if args["match_set"] is not None and args["match_set_flags"] is None:
        raise ModuleFailed("parameters are required together: match_set, match_set_flags")
    if jump is None and args["reject_with"] is not None:
        return "REJECT"
    return jump


class _Table:
    """The commands about one table of one IP version."""

    def __init__(self, program: str, args: Dict[str, Any], context: Context) -> None:
        self._context = context
        self._chain = args["chain"]
        self._first = [program, "-t", args["table"], *(["-w", args["wait"]] if args["wait"] is not None else [])]
        self._numeric = ["--numeric"] if args["numeric"] else []

    def asks(self, *words: str) -> bool:
        return self._context.run([*self._first, *words])[0] == 0

    def does(self, *words: str) -> None:
        command = [*self._first, *words]
        code, out, err = self._context.run(command)
        if code != 0:
            raise ModuleFailed((err or out).rstrip(), cmd=shown(command), rc=code, stdout=out, stderr=err)

    def has_chain(self) -> bool:
        return self.asks("-L", self._chain, *self._numeric)

    def policy(self) -> Optional[str]:
        _, out, _ = self._context.run([*self._first, "-L", self._chain, *self._numeric])
        found = re.search(r"\(policy ([A-Z]+)", out)
        return found.group(1) if found else None


def _one(table: _Table, args: Dict[str, Any], rule: List[str], context: Context) -> bool:
    """Brings one table to what is wanted; whether that changes anything."""
    chain, present = args["chain"], args["state"] == "present"
    if args["flush"]:
        if not context.check:
            table.does("-F", *([chain] if chain else []))
        return True
    if args["policy"]:
        if table.policy() == args["policy"]:
            return False
        if not context.check:
            table.does("-P", chain, args["policy"])
        return True
    there = table.has_chain() if args["chain_management"] else True
    if args["chain_management"] and not rule:
        if there == present:
            return False
        if not context.check:
            table.does("-N" if present else "-X", chain)
        return True
    if not there and present and not context.check:
        table.does("-N", chain)
    if table.asks("-C", chain, *rule) == present:
        return False
    if not context.check:
        if not present:
            table.does("-D", chain, *rule)
        elif args["action"] == "insert":
            table.does("-I", chain, *([args["rule_num"]] if args["rule_num"] else []), *rule)
        else:
            table.does("-A", chain, *rule)
    return True


def rule_of(args: Dict[str, Any], version: str) -> List[str]:
    """The words of a rule; a value that begins with ! is negated before its option."""
    rule: List[str] = []
    _add(rule, "-p", args["protocol"])
    _add(rule, "-s", args["source"])
    _add(rule, "-d", args["destination"])
    for name in args["match"]:
        _add(rule, "-m", name)
    if args["tcp_flags"] is not None:
        flags, flags_set = args["tcp_flags"].get("flags"), args["tcp_flags"].get("flags_set")
        if not flags or not flags_set:
            raise ModuleFailed("tcp_flags needs both flags and flags_set")
        rule += ["--tcp-flags", ",".join(flags), ",".join(flags_set)]
    _add(rule, "-j", args["jump"])
    if (args["jump"] or "").lower() == "tee":
        _add(rule, "--gateway", args["gateway"])
    for option, name in (
        ("--log-prefix", "log_prefix"),
        ("--log-level", "log_level"),
        ("--to-destination", "to_destination"),
        ("--to-source", "to_source"),
        ("-g", "goto"),
        ("-i", "in_interface"),
        ("-o", "out_interface"),
        ("-f", "fragment"),
        ("-c", "set_counters"),
        ("--source-port", "source_port"),
        ("--destination-port", "destination_port"),
    ):
        _add(rule, option, args[name])
    if args["destination_ports"]:
        rule += [*_match(args, "multiport"), "--dports", ",".join(args["destination_ports"])]
    _add(rule, "--to-ports", args["to_ports"])
    _add(rule, "--set-dscp", args["set_dscp_mark"])
    _add(rule, "--set-dscp-class", args["set_dscp_mark_class"])
    if args["syn"] != "ignore":
        rule += ["--syn"] if args["syn"] == "match" else ["!", "--syn"]
    return rule + _matches(args) + _last(args, version)


def _matches(args: Dict[str, Any]) -> List[str]:
    """Parts that need a module of their own, which may be named in `match` already."""
    rule: List[str] = []
    if args["ctstate"]:
        if "state" in args["match"]:
            rule += ["--state", ",".join(args["ctstate"])]
        else:
            rule += [*_match(args, "conntrack"), "--ctstate", ",".join(args["ctstate"])]
    if args["src_range"] or args["dst_range"]:
        rule += _match(args, "iprange")
        _add(rule, "--src-range", args["src_range"])
        _add(rule, "--dst-range", args["dst_range"])
    if args["match_set"]:
        rule += _match(args, "set")
        _add(rule, "--match-set", args["match_set"])
        rule.append(args["match_set_flags"])
    if args["limit"] or args["limit_burst"]:
        rule += ["-m", "limit"]  # also where `match` names it, as Ansible does: the same rule must be found again
        _add(rule, "--limit", args["limit"])
        _add(rule, "--limit-burst", args["limit_burst"])
    for name in ("uid_owner", "gid_owner"):
        if args[name]:
            rule += ["-m", "owner"]
            _add(rule, "--" + name.replace("_", "-"), args[name])
    return rule


def _last(args: Dict[str, Any], version: str) -> List[str]:
    rule: List[str] = []
    _add(rule, "--reject-with", args["reject_with"])
    _add(rule, _ICMP[version], args["icmp_type"])
    if args["comment"]:
        # A comment may well begin with an exclamation mark.
        rule += ["-m", "comment", "--comment", args["comment"]]
    return rule


def _match(args: Dict[str, Any], name: str) -> List[str]:
    return [] if name in args["match"] else ["-m", name]


def _add(rule: List[str], option: str, value: Optional[str]) -> None:
    if value is None:
        return
    if value.startswith("!"):
        rule += ["!", option, value[1:].strip()]
    else:
        rule += [option, value]
