"""Proves an agent's life on a real host: batches, content by hash, time limits, crashes, floods of output, lost connections; and that
nothing is left when its channel ends."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from private_host import PASSWORD, SU_PASSWORD, PrivateHost, Wire, su, sudo

from provisioner.transport import Become, ConnectionSettings, HostSession, ModuleCall
from provisioner.transport.errors import AgentError, CommandTimeout, ConnectionLost, DiskFullError, PythonMissingError

Make = Callable[[ConnectionSettings], HostSession]
AGENT = "[i]mport base64;exec"


def shell(text: str, **more: object) -> ModuleCall:
    return ModuleCall("shell", {"_raw_params": text}, **more)  # type: ignore[arg-type]


def until(question: Callable[[], bool], what: str, limit_s: float = 8.0) -> None:
    deadline = time.monotonic() + limit_s
    while not question():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.fixture
def wire(host: PrivateHost) -> Iterator[Wire]:
    found = Wire(host.port)
    yield found
    found.close()


def through(wire: Wire, host: PrivateHost, user: str = "root") -> ConnectionSettings:
    return host.settings(user, port=wire.port, known_hosts=(), pinned_host_key=host.host_key)


# -- calls ---------------------------------------------------------------------------------------------------------


def test_a_batch_stops_after_the_first_that_failed(host: PrivateHost, session: Make) -> None:
    results = session(host.settings()).call([ModuleCall("ping", {}), shell("exit 3"), ModuleCall("ping", {})])
    assert [result.get("failed", False) for result in results] == [False, True] and results[1]["rc"] == 3


def test_content_travels_only_when_it_differs(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    one = session(host.settings())
    content = b"x" * 3_000_000
    (tmp_path / "file").write_bytes(content)
    digest, sha1 = hashlib.sha256(content).hexdigest(), hashlib.sha1(content).hexdigest()

    class Asked(dict[str, bytes | Path]):
        count = 0

        def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
            self.count += 1
            return super().get(key)  # type: ignore[arg-type]

    for source in (content, tmp_path / "file"):
        args = {"dest": "/home/root/copied", "_blob": digest, "_checksum": sha1}
        first = one.call([ModuleCall("copy", args, blobs={digest: source})])[0]
        second = one.call([ModuleCall("copy", args)])[0]  # has nothing to send, and needs nothing
        assert (first["changed"], second.get("failed"), second["changed"]) == (True, None, False)
        assert one.fetch(args["dest"]) == content
        one.call([ModuleCall("file", {"path": args["dest"], "state": "absent"})])


def test_content_that_nobody_has_is_a_failure_and_the_agent_goes_on(host: PrivateHost, session: Make) -> None:
    one = session(host.settings())
    failed = one.call([ModuleCall("copy", {"dest": "/home/root/none", "_blob": "0" * 64})])[0]
    assert failed["failed"] is True and "0" * 64 in failed["msg"]
    assert one.call([ModuleCall("ping", {})])[0]["ping"] == "pong"


def test_environment_and_folder_are_a_calls_own(host: PrivateHost, session: Make) -> None:
    one = session(host.settings("admin"))
    first, second = one.call([shell("echo $COLOUR; cd /; umask 077", environment={"COLOUR": "red"}), shell("echo .$COLOUR.; pwd; umask")])
    assert first["stdout"] == "red" and second["stdout"] == "..\n/home/admin\n0022"


def test_reading_a_file_that_is_not_there(host: PrivateHost, session: Make) -> None:
    with pytest.raises(AgentError, match="/no/such/file"):
        session(host.settings()).fetch("/no/such/file")


# -- bad days ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("become", [None, sudo(PASSWORD), su(SU_PASSWORD)], ids=["plain", "sudo", "su"])
def test_a_time_limit_ends_a_command_with_all_that_it_started(host: PrivateHost, session: Make, become: Become | None) -> None:
    one = session(host.settings("admin"))
    started = time.monotonic()
    result = one.call([shell("sleep 4711 & sleep 4711", timeout_s=0.3)], become)[0]
    assert result["failed"] is True and result["msg"] == "Task failed: Timed out after 0.3 second(s)." and time.monotonic() - started < 10
    assert one.call([ModuleCall("ping", {})], become)[0]["ping"] == "pong"
    until(lambda: "4711" not in one.raw("ps -eo args | grep '[s]leep 4711'").stdout, "the command still runs")


def test_a_flood_of_output_is_cut_in_the_middle(host: PrivateHost, session: Make) -> None:
    one = session(host.settings())
    result = one.call([shell("echo first; yes | head -c 60000000; echo last")])[0]
    text = result["stdout"]
    assert len(text) < 30_000_000 and text.startswith("first\n") and text.endswith("last") and "bytes left out" in text
    assert one.call([ModuleCall("ping", {})])[0]["ping"] == "pong"


def test_output_that_is_no_text(host: PrivateHost, session: Make) -> None:
    result = session(host.settings()).call([shell("head -c 300000 /dev/urandom; echo; printf '\\377\\000end'")])[0]
    assert result["rc"] == 0 and result["stdout"].endswith("\x00end")


def test_an_agent_that_is_killed_is_an_error_and_the_next_call_starts_another(host: PrivateHost, session: Make) -> None:
    one = session(host.settings())
    with pytest.raises(AgentError) as caught:
        one.call([shell("kill -9 $PPID")])
    assert caught.value.kind == "agent" and caught.value.step == "running a task" and caught.value.hint
    assert one.call([ModuleCall("ping", {})])[0]["ping"] == "pong"


def test_a_raw_command_has_a_limit_and_an_input(host: PrivateHost, session: Make) -> None:
    one = session(host.settings())
    assert one.raw("tr a b; exit 4", stdin=b"banana").stdout == "bbnbnb"
    with pytest.raises(CommandTimeout) as caught:
        one.raw("echo said >&2; sleep 60", timeout_s=0.4)
    assert caught.value.command.startswith("echo said") and "0.4 s" in caught.value.cause and caught.value.lines == "said"
    assert one.raw("echo on").stdout == "on\n"


def test_a_background_child_does_not_hold_up_its_task(host: PrivateHost, session: Make) -> None:
    one = session(host.settings())
    started = time.monotonic()
    assert one.call([shell("sleep 30 & echo $!")])[0]["rc"] == 0 and time.monotonic() - started < 10
    one.raw("kill $(ps -eo pid,args | awk '/[s]leep 30/ {print $1}')")


# -- lost connections ----------------------------------------------------------------------------------------------


def test_a_dropped_connection_is_opened_again(host: PrivateHost, session: Make, wire: Wire) -> None:
    one = session(through(wire, host))
    assert one.call([ModuleCall("ping", {})])[0]["ping"] == "pong" and wire.connections == 1
    wire.cut()
    assert one.call([ModuleCall("ping", {}), ModuleCall("stat", {"path": "/"})])[1]["stat"]["exists"] is True
    assert wire.connections == 2
    wire.cut()
    assert one.raw("echo again").stdout == "again\n" and wire.connections == 3
    wire.cut_when_used = True
    assert one.raw("echo and again").stdout == "and again\n" and wire.connections == 4


def test_a_command_is_never_run_twice(host: PrivateHost, session: Make, wire: Wire) -> None:
    one, other = session(through(wire, host)), session(host.settings())
    mark = host.seen("/home/root/mark")
    one.call([ModuleCall("ping", {})])

    import threading

    def cut() -> None:
        until(mark.exists, "the command did not start")
        wire.cut()

    threading.Thread(target=cut, daemon=True).start()
    with pytest.raises(ConnectionLost) as caught:
        one.call([ModuleCall("ping", {}), shell("echo run >>/home/root/mark; sleep 4713")])
    assert caught.value.retryable and caught.value.kind == "connection" and mark.read_text() == "run\n"
    until(lambda: not other.raw("ps -eo args | grep '[s]leep 4713'").stdout, "the command still runs")
    assert one.call([ModuleCall("ping", {})])[0]["ping"] == "pong"
    mark.unlink()


@pytest.mark.parametrize(
    ("user", "become"),
    [("admin", None), ("deploy", sudo()), ("admin", sudo(PASSWORD)), ("guest", su(SU_PASSWORD))],
    ids=["plain", "sudo", "sudo with password", "su"],
)
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_nothing_is_left_when_the_channel_ends(
    host: PrivateHost, session: Make, wire: Wire, user: str, become: Become | None, busy: bool
) -> None:
    other = session(host.settings())
    before = other.raw("ls -A /tmp /var/tmp").stdout
    one = session(through(wire, host, user))
    one.call([ModuleCall("ping", {})], become)
    if busy:
        import threading

        def work() -> None:
            with pytest.raises(ConnectionLost):
                one.call([shell("sleep 4712")], become)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        until(lambda: "sleep 4712" in other.raw("ps -eo args | grep '[s]leep 4712'").stdout, "the command did not start")
        wire.cut()
        thread.join(10)
    else:
        one.close()
    question = f"ps -eo args | grep -c -e '{AGENT}' -e '[s]leep 4712' -e '[s]udo -H' -e '[s]u root'"
    until(lambda: other.raw(question).stdout.strip() == "0", "processes stay")
    assert other.raw("ls -A /tmp /var/tmp").stdout == before


# -- hosts that lack something -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare() -> Iterator[PrivateHost]:
    found = PrivateHost(hide_python=True)
    yield found
    found.close()


def test_without_python_raw_works_and_all_else_says_what_to_install(bare: PrivateHost, session: Make) -> None:
    one = session(bare.settings("deploy"))
    for become in (None, sudo()):
        assert one.raw("echo $((6 * 7))", become).stdout == "42\n"
        with pytest.raises(PythonMissingError) as caught:
            one.call([ModuleCall("ping", {})], become)
        assert caught.value.kind == "python" and "install Python 3.7" in caught.value.hint


def test_an_interpreter_that_is_not_there_or_too_old(host: PrivateHost, session: Make) -> None:
    with pytest.raises(PythonMissingError, match="no python3 was found"):
        session(host.settings(python_interpreter="/opt/none/python3")).call([ModuleCall("ping", {})])
    old = host.seen("/home/python3.6")
    old.write_text("#!/bin/sh\nexec python3 -I -S -c \"import sys; sys.version_info = (3, 6, 9); sys.version = '3.6.9 x'; $4\"\n")
    old.chmod(0o755)
    with pytest.raises(PythonMissingError, match=r"Python 3\.6\.9 is too old"):
        session(host.settings(python_interpreter="/home/python3.6")).call([ModuleCall("ping", {})])
    old.write_text("#!/bin/sh\necho Unknown option: -I >&2\necho 'usage: python [option] ...' >&2\nexit 2\n")
    with pytest.raises(PythonMissingError, match="Python 2 is too old"):
        session(host.settings(python_interpreter="/home/python3.6")).call([ModuleCall("ping", {})])
    assert session(host.settings(python_interpreter="/usr/bin/env python3")).call([ModuleCall("ping", {})])[0]["ping"] == "pong"


def test_a_full_disk_is_named(host: PrivateHost, session: Make) -> None:
    one = session(host.settings())
    home = "/home/guest"
    one.raw(f"mkdir -p {home}/.cache && mount -t tmpfs -o size=64k,mode=777 full {home}/.cache")
    try:
        with pytest.raises(DiskFullError) as caught:
            session(host.settings("guest")).call([ModuleCall("ping", {})])
        error = caught.value
        assert (error.kind, error.step) == ("disk", "copying the agent") and "free some room" in error.hint
        content = b"x" * 200_000
        digest = hashlib.sha256(content).hexdigest()
        copied = one.call([ModuleCall("copy", {"dest": f"{home}/.cache/large", "_blob": digest}, blobs={digest: content})])[0]
        assert copied["failed"] is True and "No space left" in copied["msg"]
        assert not one.raw(f"ls -A {home}/.cache | grep -v '^provision$'").stdout
    finally:
        one.raw(f"umount {home}/.cache")


READ_ONLY = "/home/guest/read-only"


@pytest.mark.parametrize(
    "call",
    [
        ModuleCall(
            "copy", {"dest": f"{READ_ONLY}/new", "_blob": hashlib.sha256(b"x").hexdigest()}, blobs={hashlib.sha256(b"x").hexdigest(): b"x"}
        ),
        ModuleCall("file", {"path": f"{READ_ONLY}/folder", "state": "directory"}),
        ModuleCall("file", {"path": f"{READ_ONLY}/old", "state": "absent"}),
        ModuleCall("file", {"path": f"{READ_ONLY}/old", "mode": "0600"}),
        ModuleCall("file", {"path": f"{READ_ONLY}/touched", "state": "touch"}),
        ModuleCall("lineinfile", {"path": f"{READ_ONLY}/old", "line": "more"}),
        ModuleCall("blockinfile", {"path": f"{READ_ONLY}/old", "block": "more"}),
        ModuleCall("ini_file", {"path": f"{READ_ONLY}/old", "section": "a", "option": "b", "value": "c"}),
    ],
    ids=lambda call: f"{call.module} {call.args.get('path', call.args.get('dest'))}",
)
def test_a_read_only_mount_is_an_error_without_a_traceback(host: PrivateHost, session: Make, call: ModuleCall) -> None:
    one = session(host.settings())
    one.raw(f"mkdir -p {READ_ONLY} && mount -t tmpfs none {READ_ONLY} && echo old >{READ_ONLY}/old && mount -o remount,ro {READ_ONLY}")
    try:
        result = one.call([call])[0]
        # Ansible's words, and the system's own beside them, in another key for some.
        reason = "not writable" if call.module == "copy" else "Read-only file system"
        said = f"{result['msg']} {result.get('details')} {result.get('exception')}"
        assert result["failed"] is True and result["changed"] is False and reason in said
        assert "Traceback" not in said
        assert one.raw(f"ls -A {READ_ONLY}; cat {READ_ONLY}/old").stdout == "old\nold\n"
    finally:
        one.raw(f"umount {READ_ONLY}")


def test_a_home_that_can_not_be_written_is_no_obstacle(host: PrivateHost, session: Make) -> None:
    one = session(host.settings())
    home = "/home/guest"
    one.raw(f"rm -rf {home}/.cache && mkdir {home}/.cache && mount -t tmpfs -o ro none {home}/.cache")
    try:
        assert session(host.settings("guest")).call([ModuleCall("ping", {})])[0]["ping"] == "pong"
        uid = one.raw("id -u guest").stdout.strip()
        base = f"/var/tmp/provision-{uid}"
        assert one.raw(f"stat -c '%U %a' {base}").stdout == "guest 700\n"
        # What is cleared away there file by file is sent again.
        one.raw(f"rm {base}/agent-*/provisioner/modules/stat.py; rm -r {base}/agent-*/provisioner/modules/__pycache__")
        again = session(host.settings("guest")).call([ModuleCall("stat", {"path": "/"})])[0]
        assert again["stat"]["exists"] is True and one.raw(f"ls {base} | wc -l").stdout == "1\n"
    finally:
        one.raw(f"umount {home}/.cache; rm -rf {home}/.cache /var/tmp/provision-$(id -u guest)")


def test_a_source_that_others_could_have_put_there_is_not_run(host: PrivateHost, session: Make) -> None:
    one = session(host.settings())
    base = "/home/guest/.cache/provision"
    one.raw(f"rm -rf {base}")
    assert session(host.settings("guest")).call([ModuleCall("ping", {})])[0]["ping"] == "pong"
    one.raw(f"chmod 777 {base}")
    with pytest.raises(AgentError, match="not a folder of our own"):
        session(host.settings("guest")).call([ModuleCall("ping", {})])
    one.raw(f"chmod 700 {base}")
