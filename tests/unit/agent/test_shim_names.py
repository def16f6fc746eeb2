"""Proves that what public modules import of module_utils is there, and that the smaller of these do what their names say."""

from __future__ import annotations

import datetime
import importlib
import json
import time
from email.message import Message
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from provisioner.templating.plugins import STAND_INS
from provisioner.templating.values import Vaulted
from tests.unit.agent.test_shim import run_module

NAMES = [
    "basic: AnsibleModule missing_required_lib env_fallback FILE_COMMON_ARGUMENTS get_all_subclasses load_platform_subclass",
    "common.arg_spec: ArgumentSpecValidator",
    "common.collections: is_iterable is_sequence is_string ImmutableDict Mapping Sequence",
    "common.dict_transformations: camel_dict_to_snake_dict snake_dict_to_camel_dict _camel_to_snake _snake_to_camel dict_merge recursive_diff",
    "common.file: get_file_arg_spec get_flags_from_attributes format_attributes FILE_ATTRIBUTES S_IRWU_RWG_RWO USERS_RE PERMS_RE",
    "common.json: AnsibleJSONEncoder json_dump",
    "common.locale: get_best_parsable_locale",
    "common.network: is_mac is_netmask is_masklen to_netmask to_masklen to_subnet to_bits to_ipv6_network to_ipv6_subnet VALID_MASKS",
    "common.parameters: check_type_int check_type_dict check_type_bool remove_values sanitize_keys env_fallback",
    "common.process: get_bin_path",
    "common.respawn: has_respawned probe_interpreters_for_module respawn_module",
    "common.sys_info: get_distribution get_distribution_version get_distribution_codename get_platform_subclass",
    "common.text.converters: to_bytes to_native to_text jsonify container_to_text container_to_bytes",
    "common.text.formatters: human_to_bytes bytes_to_human lenient_lowercase",
    "common.validation: check_required_together check_required_one_of check_required_arguments check_mutually_exclusive check_type_list safe_eval",
    "common.warnings: warn deprecate get_warning_messages get_warnings get_deprecations",
    "common.yaml: yaml_load yaml_dump HAS_LIBYAML",
    "compat.datetime: UTC utcnow utcfromtimestamp",
    "compat.paramiko: paramiko PARAMIKO_IMPORT_ERR",
    "compat.typing: Any Dict",
    "compat.version: LooseVersion StrictVersion",
    "distro: id name version",
    "errors: AnsibleValidationError AnsibleValidationErrorMultiple UnsupportedError AnsibleFallbackNotFound",
    "facts: ansible_facts get_all_facts",
    "facts.collector: BaseFactCollector",
    "facts.namespace: FactNamespace PrefixFactNamespace",
    "facts.packages: PkgMgr LibMgr CLIMgr",
    "facts.sysctl: get_sysctl",
    "facts.timeout: timeout TimeoutError",
    "facts.utils: get_file_content get_file_lines get_mount_size",
    "json_utils: _filter_non_json_lines",
    "parsing.convert_bool: boolean BOOLEANS BOOLEANS_TRUE BOOLEANS_FALSE",
    "service: daemonize sysv_exists sysv_is_enabled get_sysv_script fail_if_missing get_ps is_systemd_managed",
    "six: string_types integer_types iteritems PY2 PY3 text_type binary_type with_metaclass",
    "urls: open_url fetch_url fetch_file url_argument_spec basic_auth_header Request prepare_multipart get_response_filename parse_content_type",
    "yumdnf: YumDnf yumdnf_argument_spec",
]


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(STAND_INS)


def get(name: str) -> Any:
    return importlib.import_module(f"ansible.module_utils.{name}")


@pytest.mark.parametrize("line", NAMES)
def test_names(line: str) -> None:
    module, _, names = line.partition(": ")
    assert [name for name in names.split() if not hasattr(get(module), name)] == []


@pytest.mark.parametrize("name", ["ansible", "ansible.release", "ansible.module_utils.ansible_release"])
def test_the_version(name: str) -> None:
    assert importlib.import_module(name).__version__.startswith("2.19.")


def test_a_library_that_is_not_there() -> None:
    with pytest.raises(ImportError, match="SELinux is off"):
        get("compat.selinux")


@pytest.mark.parametrize(
    ("text", "objects_only", "found"),
    [
        ('noise\n{"a": 1}\n', False, ('{"a": 1}', [])),
        ("[1,\n2]\nmore", False, ("[1,\n2]", ["Module invocation had junk after the JSON data: more"])),
        ('[noise]\n{"a": 1}', True, ('{"a": 1}', [])),
    ],
)
def test_json_among_other_lines(text: str, objects_only: bool, found: tuple[str, list[str]]) -> None:
    assert get("json_utils")._filter_non_json_lines(text, objects_only) == found


@pytest.mark.parametrize(("text", "error"), [("noise", "No start"), ("{noise", "No end")])
def test_no_json(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        get("json_utils")._filter_non_json_lines(text)


def test_dates_and_sets_as_json() -> None:
    found = json.loads(json.dumps([datetime.date(2020, 1, 2), {1}, b"x"], cls=get("common.json").AnsibleJSONEncoder))
    assert found == ["2020-01-02", [1], "x"]
    with pytest.raises(TypeError):
        get("common.json").json_dump(object())


def test_functions_that_take_too_long() -> None:
    timeouts = get("facts.timeout")
    assert timeouts.timeout(lambda value: value + 1)(1) == 2
    with pytest.raises(timeouts.TimeoutError, match=r"Timer expired after 0\.01 seconds"):
        timeouts.timeout(0.01)(time.sleep)(1)
    with pytest.raises(KeyError):
        timeouts.timeout(5)({}.__getitem__)("x")


def test_settings_of_the_kernel() -> None:
    out = "kern.a = 1\nkern.b: two\n  goes on\nnothing here\n"
    module = SimpleNamespace(get_bin_path=lambda name: "/sbin/sysctl", run_command=lambda argv: (0, out, ""))
    assert get("facts.sysctl").get_sysctl(module, ["kern"]) == {"kern.a": "1", "kern.b": "two\n  goes on"}


def test_addresses() -> None:
    network = get("common.network")
    assert network.to_bits("255.255.0.0") == "1" * 16 + "0" * 16
    assert (network.to_ipv6_subnet("2001:db8:1:2:3::4"), network.to_ipv6_network("2001:db8:1::1")) == ("2001:db8:1:2::", "2001:db8:1::")


def test_names_and_types_of_answers() -> None:
    urls = get("urls")
    headers = Message()
    headers["Content-Type"] = "text/html; charset=x"
    headers["Content-Disposition"] = 'attachment; filename="n.txt"'
    answer = SimpleNamespace(headers=headers, geturl=lambda: "http://x/other")
    assert urls.parse_content_type(answer) == ("text/html", "text", "html")
    assert urls.get_response_filename(answer) == "n.txt"
    assert urls.rfc2822_date_string(time.gmtime(0)) == "Thu, 01 Jan 1970 00:00:00 -0000"
    assert urls.prepare_multipart({"a": "b"})[0].startswith("multipart/form-data; boundary=")


def test_rules_of_modules(tmp_path: Any) -> None:
    text = """
m = AnsibleModule({"a": {}, "b": {}}, required_if=[("a", "x", ["b"])], mutually_exclusive=[("a", "b")])
m.exit_json(rules=[m.required_if, m.mutually_exclusive, m.required_by])
"""
    assert run_module(text, {"a": "y"}, tmp_path)["rules"] == [[["a", "x", ["b"]]], [["a", "b"]], None]


def test_files_of_modules(tmp_path: Any) -> None:
    text = """
import os
m = AnsibleModule({"path": {"no_log": True}})
path = m.params["path"] + "/f"
open(path, "w").close()
m.add_cleanup_file(path)
m.exit_json(
    attributes=sorted(m.get_file_attributes(path)), ids=m.user_and_group(path), at=m.find_mount_point("/proc/self"),
    mode=oct(m._symbolic_mode_to_octal(os.stat(path), "u=rw,go=r")), special=m.is_special_selinux_path(path),
)
"""
    found = run_module(text, {"path": str(tmp_path)}, tmp_path)
    assert found["ids"] == [tmp_path.stat().st_uid, tmp_path.stat().st_gid]
    assert (found["at"], found["mode"], found["special"]) == ("/proc", "0o644", [False, None])
    assert "attr_flags" in found["attributes"] and not (tmp_path / "f").exists()
    assert found["invocation"] == {"module_args": {"path": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}}


def test_words_passwords_and_vaults_for_plugins_of_the_controller() -> None:
    splitter, encrypt = importlib.import_module("ansible.parsing.splitter"), importlib.import_module("ansible.utils.encrypt")
    errors, ajson = importlib.import_module("ansible.errors"), importlib.import_module("ansible.parsing.ajson")
    assert splitter.parse_kv("echo a=1 'b c' d='e f'", check_raw=True) == {"a": "1", "d": "e f", "_raw_params": "echo 'b c'"}
    assert splitter.join_args(splitter.split_args("a {{ b | c }} d")) == "a {{ b | c }} d"
    with pytest.raises(errors.AnsibleParserError, match="unbalanced"):
        splitter.split_args("'a")
    assert encrypt.random_password(6, "ab", seed=1) == encrypt.random_password(6, "ab", seed=1) and len(encrypt.random_salt()) == 8
    assert encrypt.do_encrypt("x", "sha512_crypt", salt="abc").startswith("$6$")
    with pytest.raises(errors.AnsibleError, match="not in the list"):
        encrypt.passlib_or_crypt("x", "rot13")
    assert json.loads('{"a": {"__ansible_unsafe": "b"}}', cls=ajson.AnsibleJSONDecoder) == {"a": "b"}
    sealed = importlib.import_module("ansible.parsing.yaml.objects").AnsibleVaultEncryptedUnicode
    assert isinstance(Vaulted.opened("x", "$ANSIBLE_VAULT;"), sealed) and not isinstance("x", sealed)


def test_yaml_and_results_for_plugins_of_the_controller() -> None:
    loader, dumper = (importlib.import_module(f"ansible.parsing.yaml.{name}") for name in ("loader", "dumper"))
    found = loader.AnsibleLoader("a: !unsafe '{{ b }}'\nl: [1, {c: d}]\n").get_single_data()
    assert found == {"a": "{{ b }}", "l": [1, {"c": "d"}]}
    sealed = Vaulted.opened("x", "$ANSIBLE_VAULT;")
    assert yaml.dump({**found, "v": sealed}, Dumper=dumper.AnsibleDumper).splitlines()[0] == "a: '{{ b }}'"
    assert "v: !vault |" in yaml.dump({"v": sealed}, Dumper=dumper.AnsibleDumper)
    clean = importlib.import_module("ansible.vars.clean")
    result = {"_ansible_no_log": False, "_ansible_item_label": 1, "r": [{"_ansible_x": 1, "a": 2}]}
    copied = clean.module_response_deepcopy(result)
    assert clean.strip_internal_keys(copied, {"_ansible_item_label"}) == {"_ansible_item_label": 1, "r": [{"a": 2}]}
    assert result["r"] == [{"_ansible_x": 1, "a": 2}]
    assert importlib.import_module("ansible.utils.vars").transform_to_native_types(result) == result
    assert [importlib.import_module("ansible.utils.display").get_text_width(text) for text in ("abc", "漢字", "e\u0301")] == [3, 4, 1]


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [("9007199254740993", "int", 2**53 + 1), ("3.0", "integer", 3), (True, "int", 1), ("a, b", "list", ["a", "b"]), ("yes", "bool", True)],
)
def test_types_of_options(value: Any, kind: str, expected: Any) -> None:
    assert importlib.import_module("ansible.config.manager").ensure_type(value, kind) == expected


@pytest.mark.parametrize("value", ["x", "inf", "nan", 3.5, [1]])
def test_what_is_no_whole_number(value: Any) -> None:
    with pytest.raises(ValueError, match="Invalid value provided for 'int'"):
        importlib.import_module("ansible.config.manager").ensure_type(value, "int")
