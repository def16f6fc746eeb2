"""Proves that modules of a playbook's own run on hosts through AnsibleModule, with module_utils, check mode and messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provisioner.engine import Runner, RunOptions
from provisioner.engine.events import Event, HostDone
from provisioner.inventory import load
from tests.integration.engine.test_local import Pool

MODULE = """
#!/usr/bin/python
from __future__ import absolute_import, division, print_function
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.shared_words import greet
from ansible.module_utils._text import to_native

def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="str", required=True, aliases=["who"]),
            count=dict(type="int", default=1),
            path=dict(type="path"),
            nested=dict(type="list", elements="dict", options=dict(a=dict(type="bool", default=True))),
            state=dict(choices=["present", "absent"], default="present"),
        ),
        supports_check_mode=True,
        add_file_common_args=True,
        required_if=[("state", "absent", ["path"])],
    )
    rc, out, err = module.run_command(["echo", "ran"], check_rc=True)
    changed = False
    if module.params["path"] and not module.check_mode:
        with open(module.params["path"], "w") as f:
            f.write("x")
        changed = module.set_fs_attributes_if_different(module.load_file_common_arguments(module.params), changed)
    if module.params["name"] == "bad":
        module.fail_json(msg="bad name", extra=1)
    module.warn("careful")
    module.exit_json(changed=changed, greeting=greet(module.params["name"]) * module.params["count"], out=to_native(out).strip(),
                     nested=module.params["nested"], check=module.check_mode)

if __name__ == "__main__":
    main()
"""
PLAYBOOK = """
- hosts: all
  gather_facts: false
  roles: [r]
  tasks:
    - {name: good, greeter: {who: you, count: "2", nested: [{}], path: "{{ target }}", mode: "0600"}}
    - {name: again, greeter: {name: you, path: "{{ target }}", mode: "0600"}, check_mode: true}
    - {name: failing, greeter: {name: bad}, ignore_errors: true}
    - {name: missing, greeter: {count: 1}, ignore_errors: true}
    - {name: wrong, greeter: {name: x, state: absent}, ignore_errors: true}
    - {name: crash, crasher: {}, ignore_errors: true}
    - {name: old style, words: {a: it's, b: 2}}
    - {name: from a path of its own, elsewhere: {}, environment: {PYTHONPATH: "{{ playbook_dir }}/lib"}}
    - {name: wants JSON, wants: {a: [1]}, check_mode: true}
    - {name: JSON within, within: {a: 1}}
    - {name: another interpreter, strange: {a: 1}, vars: {ansible_nosuch_interpreter: /bin/sh}}
    - {name: no interpreter, strange: {a: 1}, ignore_errors: true}
    - {name: no first line, plain: {a: 1}, ignore_errors: true}
    - {name: no JSON, silent: {a: 1}, ignore_errors: true}
"""
PROGRAMS = {
    "words.sh": '#!/bin/bash\n. "$1"\necho "{\\"changed\\": true, \\"got\\": \\"$a $b\\"}"; echo junk\n',
    "wants": "#!/bin/sh\n# WANT_JSON\nprintf '{\"got\": '; cat $1; echo '}'\n",
    "within.py": "#!/usr/bin/python\nimport json\ngot = json.loads(r'''<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>''')\nprint(json.dumps(dict(got=got['a'])))\n",
    "strange": "#!/nowhere/nosuch -e\necho '{\"here\": true}'\n",
    "plain": "echo '{}'\n",
    "silent.sh": "#!/bin/sh\necho nothing; exit 3\n",
}


def test_own_modules(tmp_path: Path) -> None:
    files = {
        "play.yml": PLAYBOOK,
        "library/greeter.py": MODULE.lstrip(),
        "library/elsewhere.py": "import far\nfrom ansible.module_utils.basic import *\nAnsibleModule(argument_spec={}).exit_json(far=far.WORD)\n",
        "lib/far.py": "WORD = 'far'\n",
        "library/crasher.py": "raise RuntimeError('on purpose')\n",
        "module_utils/shared_words.py": "def greet(who):\n    return 'hello ' + who\n",
        "roles/r/library/role_module.py": "from ansible.module_utils.basic import *\nAnsibleModule(argument_spec={}).exit_json(here=True)\n",
        **{f"library/{name}": content for name, content in PROGRAMS.items()},
        "roles/r/tasks/main.yml": "- {name: of the role, role_module: {}}\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    events: list[Event] = []
    variables: dict[str, Any] = {"target": str(tmp_path / "out"), "ansible_connection": "local"}
    pool = Pool()
    try:
        Runner(load(["box,"]), options=RunOptions(extra_vars=variables), sessions=pool, callbacks=[events.append]).run(
            [tmp_path / "play.yml"]
        )
    finally:
        pool.close()
    done = {e.task: dict(e.result) for e in events if isinstance(e, HostDone)}
    assert done["r : of the role"]["here"] is True
    good = done["good"]
    assert (good["greeting"], good["out"], good["nested"], good["changed"]) == ("hello youhello you", "ran", [{"a": True}], True)
    assert good["warnings"] == ["careful"]
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
    assert (done["again"]["check"], done["again"]["changed"]) == (True, False)
    assert (done["failing"]["msg"], done["failing"]["extra"], done["failing"]["failed"]) == ("bad name", 1, True)
    assert done["missing"]["msg"] == "missing required arguments: name"
    assert done["wrong"]["msg"] == "state is absent but all of the following are missing: path"
    assert done["crash"]["msg"] == "Task failed: Module failed: on purpose" and "RuntimeError" in done["crash"]["exception"]
    assert done["from a path of its own"]["far"] == "far"
    assert (done["old style"]["got"], done["old style"]["changed"]) == ("it's 2", True)
    assert done["old style"]["warnings"] == ["Module invocation had junk after the JSON data: junk"]
    assert (done["wants JSON"]["got"]["a"], done["wants JSON"]["got"]["_ansible_check_mode"]) == ([1], True)
    assert done["JSON within"]["got"] == 1
    assert done["another interpreter"]["here"] is True
    assert done["no interpreter"]["msg"] == "The module interpreter '/nowhere/nosuch' was not found."
    assert done["no first line"]["msg"] == "module (plain) is missing interpreter line"
    no_json = done["no JSON"]
    assert (no_json["msg"], no_json["rc"]) == ("Module result deserialization failed: No start of json char found", 3)
    assert (no_json["module_stdout"], no_json["changed"]) == ("nothing\n", False)
