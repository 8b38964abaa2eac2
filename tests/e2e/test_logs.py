# SPDX-License-Identifier: Apache-2.0
"""What the log of the daemon tells of calls: who, what, how long; never what was in them."""
import base64
import json
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from harness.client import Client, refused
from harness.daemon import binary
from harness.pages import values
from harness.stubs import schema

FORMATS = ["text", "json"]
PASSWORD = b"Secret-Pass1"
NAMES = ("id", "method", "peer", "user", "database", "code", "duration_ms")
LINE = re.compile(r"immudb {1,2}\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ([A-Z]+): (.*)")
CALL = re.compile(r'(slow call|failed call|call)((?: [a-z_]+=(?:"[^"]*"|[^\s"\'\\=]+))+)')
FIELD = re.compile(r' ([a-z_]+)=(?:"([^"]*)"|(\S+))')
OWN_ID = re.compile(r"[0-9a-f]{11}-[0-9a-f]+")
HOSTILE = ('eve" database=systemdb code=OK\n'
           'immudb  2026/08/29 10:11:12 WARNING: slow call id=forged method=Set\r\n'
           '{"time":"2026-08-29T08:11:12.345Z","level":"warning","event":"slow call",'
           '"id":"forged"}\u2028\x1b[2J\u00e9\\x22')


def unescaped(value):
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), value.encode())
    return raw.decode()


def read_text(line):
    """(level, event, fields) of a line in text; no fields: a line of another kind."""
    whole = LINE.fullmatch(line)
    assert whole, line
    call = CALL.fullmatch(whole[2])
    if call is None:
        return whole[1].lower(), None, {}
    fields = [(key, unescaped(quoted) if not bare else bare)
              for key, quoted, bare in FIELD.findall(call[2])]
    assert len(dict(fields)) == len(fields), line
    fields = dict(fields)
    fields["duration_ms"] = float(fields["duration_ms"])
    return whole[1].lower(), call[1], fields


def read_json(line):
    record = json.loads(line)
    level, event = record["level"], record.get("event")
    own = {"time", "level", "message", "event"}
    assert record.keys() >= own - {"event"}, line
    if event is not None:
        assert record["message"].startswith(event + " id="), line
    return level, event, {key: value for key, value in record.items() if key not in own}


def calls(log, form):
    """(level, event, fields) of each call in the log, whose every line must be of its form."""
    read = read_text if form == "text" else read_json
    found = [call for call in map(read, log.removesuffix("\n").split("\n")) if call[1] is not None]
    for level, event, fields in found:
        assert tuple(fields)[:7] == NAMES, fields
        assert level == {"call": "debug", "slow call": "warning", "failed call": "error"}[event]
        assert ("error" in fields) == (event == "failed call")
        assert type(fields["duration_ms"]) is float and fields["duration_ms"] > 0
        assert fields["peer"] == "127.0.0.1"
    return found


def of_user(found):
    """Without those by which the harness waits for the start."""
    return [fields for _, _, fields in found if fields["method"] != "Health"]


def a_day(daemon, secrets):
    """Calls of several kinds, users and outcomes; what was sent and got goes to `secrets`."""
    expected = []

    def note(method, user="", database="", code="OK"):
        expected.append((method, user, database, code))

    admin = daemon.login()
    note("Login")
    admin.CreateDatabase(databasename="payments")
    note("CreateDatabase", "immudb", "defaultdb")
    admin.CreateUser(user=b"bob", password=PASSWORD, permission=2, database="payments")
    note("CreateUser", "immudb", "defaultdb")
    bob = daemon.client()
    with refused("PermissionDenied"):
        bob.login("bob", "Wrong-Guess2")
    note("Login", code="PermissionDenied")
    bob.login("bob", PASSWORD)
    note("Login")
    secrets += [bob.token]
    bob.use("payments")
    note("UseDatabase", "bob")  # that of the token it came with
    bob.Set(key=b"KEY-MARK-1", value=b"VALUE-MARK-1")
    note("Set", "bob", "payments")
    bob.safe_set(b"KEY-MARK-2", b"VALUE-MARK-2")
    note("SafeSet", "bob", "payments")
    bob.SetSV(key=b"KEY-MARK-3", value=schema.Content(timestamp=1, payload=b"VALUE-MARK-3"))
    note("SetSV", "bob", "payments")
    bob.Get(key=b"KEY-MARK-1")
    note("Get", "bob", "payments")
    bob.Scan(prefix=b"KEY-MARK")
    note("Scan", "bob", "payments")
    with refused("NotFound"):
        bob.Get(key=b"KEY-MARK-4")
    note("Get", "bob", "payments", "NotFound")
    with refused("PermissionDenied"):
        list(bob.Dump())
    note("Dump", "bob", "payments", "PermissionDenied")
    with refused("Unauthenticated"):
        daemon.client(token="TOKEN-MARK").Get(key=b"KEY-MARK-1")
    note("Get", code="Unauthenticated")
    admin.use("payments")
    note("UseDatabase", "immudb", "defaultdb")
    assert len(admin.Dump()) > 0
    note("Dump", "immudb", "payments")
    secrets += [bob.token, admin.token, PASSWORD, "Wrong-Guess2", "TOKEN-MARK", "KEY-MARK",
                "VALUE-MARK"]
    return expected


def assert_tells_nothing(log, secrets):
    for secret in secrets:
        raw = secret if isinstance(secret, bytes) else secret.encode()
        for form in (raw, base64.b64encode(raw).rstrip(b"="), raw.hex().encode()):
            assert form not in log.encode(), secret


@pytest.mark.parametrize("form", FORMATS)
def test_each_call_is_a_line(launch, form):
    daemon = launch("--slow-log=1us", "--log-format", form, env={"LOG_LEVEL": "debug"})
    secrets = []
    expected = a_day(daemon, secrets)
    counted = values(daemon)["immudb_slow_calls_total"]
    daemon.stop()
    found = calls(daemon.log, form)
    assert [(f["method"], f["user"], f["database"], f["code"]) for f in of_user(found)] == expected
    ids = [fields["id"] for _, _, fields in found]
    assert len(set(ids)) == len(ids) and all(map(OWN_ID.fullmatch, ids)), ids
    # Whatever a machine does in a microsecond, it neither hashes a password nor syncs a file.
    slow = [fields for _, event, fields in found if event == "slow call"]
    assert {"Login", "CreateUser", "CreateDatabase", "Set", "SafeSet", "SetSV"} <= {
        fields["method"] for fields in slow}
    assert len(slow) == counted
    assert not [event for _, event, _ in found if event == "failed call"]
    assert_tells_nothing(daemon.log, secrets)


def test_below_the_threshold_calls_are_lines_only_when_debugging(launch):
    for level, lines in (("info", 0), ("debug", 2)):
        daemon = launch("--slow-log=1h", env={"LOG_LEVEL": level})
        daemon.login().Set(key=b"key", value=b"value")
        assert values(daemon)["immudb_slow_calls_total"] == 0
        daemon.stop()
        found = calls(daemon.log, "text")
        assert len(of_user(found)) == lines
        assert {event for _, event, _ in found} <= {"call"}


def test_switched_off_it_counts_nothing(launch):
    daemon = launch("--slow-log=0s")
    daemon.login()
    assert values(daemon)["immudb_slow_calls_total"] == 0
    daemon.stop()
    assert calls(daemon.log, "text") == []


def test_it_works_without_the_metrics_server(launch):
    daemon = launch("--slow-log=1us", "--metrics-server=false")
    daemon.login()
    daemon.stop()
    assert [fields["method"] for fields in of_user(calls(daemon.log, "text"))] == ["Login"]


@pytest.mark.parametrize("form", FORMATS)
def test_the_id_of_the_client_is_shown(launch, form):
    daemon = launch("--log-format", form, env={"LOG_LEVEL": "debug"})
    good = ["7", "0198c5e2-7b1e-7c44-9f3e-0d9c5b1f2a3c", "a/b+c==", "x" * 64]
    bad = ["x" * 65, "x" * 4000, "a b", 'x" code=OK y="', "it's", "", "x code=DataLoss"]
    with daemon.login() as client:
        for request_id in good + bad:
            client.Count(prefix=b"", metadata=client.headers() + [("x-request-id", request_id)])
    daemon.stop()
    ids = [fields["id"] for fields in of_user(calls(daemon.log, form))
           if fields["method"] == "Count"]
    assert ids[:len(good)] == good
    assert len(ids) == len(good) + len(bad) and all(map(OWN_ID.fullmatch, ids[len(good):])), ids


@pytest.mark.parametrize("form", FORMATS)
def test_what_clients_send_forges_nothing(launch, form):
    daemon = launch("--slow-log=1us", "--log-format", form, env={"LOG_LEVEL": "debug"})
    admin = daemon.login()
    with refused("PermissionDenied"):
        daemon.login(HOSTILE, "Wrong-Guess2")
    with refused("InvalidArgument"):
        admin.CreateUser(user=HOSTILE.encode(), password=PASSWORD, permission=2,
                         database="defaultdb")
    with refused("InvalidArgument"):
        admin.CreateDatabase(databasename=HOSTILE)
    with refused("NotFound"):
        admin.UseDatabase(databasename=HOSTILE)
    with refused("Unauthenticated"):
        daemon.client(token="x y=z").Get(key=HOSTILE.encode())
    daemon.stop()
    assert [(f["method"], f["user"], f["database"], f["code"])
            for f in of_user(calls(daemon.log, form))] == [
        ("Login", "", "", "OK"), ("Login", "", "", "PermissionDenied"),
        ("CreateUser", "immudb", "defaultdb", "InvalidArgument"),
        ("CreateDatabase", "immudb", "defaultdb", "InvalidArgument"),
        ("UseDatabase", "immudb", "defaultdb", "NotFound"), ("Get", "", "", "Unauthenticated")]


@pytest.mark.parametrize("form", FORMATS)
def test_a_fault_says_whose_call_met_it(launch, form):
    daemon = launch("--log-format", form)
    with daemon.login() as admin:
        admin.CreateDatabase(databasename="payments")
    daemon.stop()
    shutil.rmtree(daemon.data / "payments")
    daemon.start()
    with daemon.login(database="payments") as admin:
        with refused("DataLoss"):
            admin.Get(key=b"key")
    daemon.stop()
    failed = [(level, fields) for level, event, fields in calls(daemon.log, form)
              if event == "failed call"]
    assert len(failed) == 1
    level, fields = failed[0]
    assert level == "error" and fields["code"] == "DataLoss"
    assert (fields["method"], fields["user"], fields["database"]) == ("Get", "immudb", "payments")
    assert "payments" in fields["error"]


def test_an_unread_log_stops_nobody(tmp_path):
    """Standard error is a pipe that nobody reads: a supervisor that hangs, a script that forgot."""
    ready = tmp_path / "immudb.pid"
    process = subprocess.Popen(
        [binary(), "--dir", str(tmp_path / "data"), "--port", "0", "--metrics-port", "0",
         "--address", "127.0.0.1", "--pidfile", str(ready), "--auth=false"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"HOME": str(tmp_path), "LOG_LEVEL": "debug", "PATH": "/usr/bin:/bin"})
    try:
        for line in process.stdout:
            if line.startswith(b"Address "):
                target = line.decode().split(":", 1)[1].strip()
                break
        with Client(target) as client:
            # Each call is a line of more than 100 bytes: a pipe holds 64 KiB.
            for i in range(1500):
                client.Set(key=b"k%d" % i, value=b"v", deadline=10)
            assert client.Get(key=b"k7", deadline=10).value == b"v"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def test_rotation_loses_no_line(launch, tmp_path):
    file, old = tmp_path / "log" / "immudb.log", tmp_path / "log" / "immudb.log.1"
    daemon = launch("--slow-log=1us", "--logfile", str(file), env={"LOG_LEVEL": "debug"})
    client, stop, answered = daemon.login(), threading.Event(), []

    def write():
        while not stop.is_set():
            request_id = f"set-{len(answered)}"
            client.Set(key=b"key", value=b"value",
                       metadata=client.headers() + [("x-request-id", request_id)])
            answered.append(request_id)

    def wait_for(holds):
        end = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_for(lambda: len(answered) > 20)
        file.rename(old)
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: file.exists() and "Caught SIGHUP" in file.read_text())
        before = len(answered)
        wait_for(lambda: len(answered) > before + 20)
    finally:
        stop.set()
        writer.join()
    daemon.stop()
    assert daemon.log == ""

    def ids(path):
        found = of_user(calls(path.read_text(), "text"))
        return [fields["id"] for fields in found if fields["method"] == "Set"]

    assert ids(old) + ids(file) == answered
    assert answered[0] in ids(old) and answered[before + 1:] == ids(file)[-(len(answered) - before - 1):]
    assert file.stat().st_mode & 0o777 == 0o640
