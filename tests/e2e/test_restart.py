# SPDX-License-Identifier: Apache-2.0
"""What stays and what goes when the daemon stops, is killed, or must not start."""
import shutil
import signal
import subprocess
import threading

import grpc
import pytest

from harness.client import refused
from harness.daemon import Daemon, binary, refuses_to_start
from harness.verifier import Trust, leaf_digest, root_of


def test_data_and_identity_stay_tokens_go(launch):
    daemon = launch()
    client = daemon.login()
    for i in range(20):
        client.safe_set(b"k%d" % i, b"v%d" % i)
    client.safe_reference(b"ref", b"k3")
    client.safe_zadd(b"set", 1.5, b"k4")
    token, trust, uuid = client.token, client.trust, client.uuid
    root = client.CurrentRoot()
    daemon.stop(signal.SIGINT)
    for stop in (daemon.stop, daemon.kill, daemon.stop):
        daemon.start()
        with daemon.client(token=token) as old:
            with refused("Unauthenticated", "please login first"):
                old.CurrentRoot()
            assert old.uuid == uuid
        client = daemon.login()
        client.trust = Trust(trust.index, trust.root)
        assert client.CurrentRoot() == root
        for i in range(20):
            assert client.safe_get(b"k%d" % i).item.value == b"v%d" % i
        assert client.Get(key=b"ref").key == b"k3"
        assert [item.key for item in client.ZScan(set=b"set").items] == [b"k4"]
        assert client.Count().count == 21
        stop()
    daemon.start()
    with daemon.login() as client:
        client.trust = trust
        assert client.safe_set(b"new", b"v").index == root.index + 1


def test_users_stay(launch):
    daemon = launch()
    with daemon.login() as client:
        client.CreateUser(user=b"worker", password=b"Secret-Pass1", permission=2,
                          database="defaultdb")
        before = client.ListUsers()
    daemon.kill()
    daemon.start()
    with daemon.login("worker", "Secret-Pass1") as client:
        client.use("defaultdb").safe_set(b"k", b"v")
    with daemon.login() as client:
        assert client.ListUsers() == before


@pytest.mark.parametrize("rounds", [3])
def test_a_kill_loses_nothing_acknowledged(launch, rounds):
    """SIGKILL while four clients write; what was acknowledged is there, under the same tree."""
    daemon = launch("--auth=false")
    acknowledged = {}
    trust = Trust()
    for number in range(rounds):
        enough = threading.Event()
        done = []
        threads = [threading.Thread(target=_write_until_killed, args=(
            daemon, b"%d-%d" % (number, n), acknowledged, enough, done)) for n in range(4)]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        daemon.kill()
        for thread in threads:
            thread.join()
        assert not [error for error in done if error is not None], done
        daemon.start()
        with daemon.client() as client:
            client.trust = trust
            for index, (key, value) in sorted(acknowledged.items()):
                item = client.safe_by_index(index).item
                assert (item.key, item.value) == (key, value)
            size = client.CurrentRoot().index + 1
            entries = [client.ByIndex(index=i) for i in range(size)]
            leaves = [leaf_digest(item.index, item.key, item.value) for item in entries]
            assert client.CurrentRoot().root == root_of(leaves)
            trust = client.trust
    assert len(acknowledged) >= 150


def _write_until_killed(daemon, name, acknowledged, enough, done):
    try:
        with daemon.client() as client:
            for i in range(100_000):
                key, value = b"%s-%d" % (name, i), b"v%d" % i
                proof = client.safe_set(key, value)
                acknowledged[proof.index] = (key, value)
                if i == 50:
                    enough.set()
    except grpc.RpcError as error:
        # The connection broke; nothing else is a legitimate end.
        done.append(None if error.code() in (grpc.StatusCode.UNAVAILABLE,
                                             grpc.StatusCode.UNKNOWN) else error)
    except BaseException as error:  # pylint: disable=broad-except
        done.append(error)
    finally:
        enough.set()


def test_a_stop_lets_calls_in_flight_finish(launch):
    daemon = launch("--auth=false")
    client = daemon.client()
    invoke = client.channel.unary_unary("/immudb.schema.ImmuService/Set")
    calls = [invoke.future(b"\x0a\x04k%03d" % i, timeout=60) for i in range(500)]
    calls[0].result()
    daemon.process.send_signal(signal.SIGTERM)
    outcomes = [call.exception() for call in calls]
    client.close()
    assert daemon.wait() == 0
    acknowledged = [i for i, error in enumerate(outcomes) if error is None]
    assert all(error is None or error.code() in (grpc.StatusCode.UNAVAILABLE,
                                                 grpc.StatusCode.CANCELLED)
               for error in outcomes), {str(e) for e in outcomes}
    daemon.start()
    with daemon.client() as client:
        for i in acknowledged:
            client.Get(key=b"k%03d" % i)


def test_one_directory_one_daemon(launch):
    daemon = launch()
    second = Daemon(daemon.folder)
    assert str(daemon.data) in refuses_to_start(second)
    with daemon.login() as client:
        client.safe_set(b"k", b"v")


def test_a_taken_port(launch, tmp_path):
    daemon = launch()
    text = refuses_to_start(Daemon(tmp_path / "other"), "--port", str(daemon.port))
    assert str(daemon.port) in text


def audit_trail(daemon):
    return subprocess.run([binary(), "audit", "--dir", str(daemon.data)], capture_output=True,
                          check=True, timeout=60).stdout.decode()


@pytest.mark.parametrize("content", [None, b"", b"half..", bytes(12)],
                         ids=["missing", "empty", "half", "zeros"])
def test_a_lost_identity_is_written_anew(launch, content):
    """Clients keep their roots under it; nobody has to mend a file by hand."""
    daemon = launch()
    with daemon.login() as client:
        client.safe_set(b"k", b"v")
        uuid = client.uuid
    daemon.stop()
    identifier = daemon.data / "defaultdb/immudb.identifier"
    good = identifier.read_bytes()
    identifier.unlink()
    if content is not None:
        identifier.write_bytes(content)
    daemon.start()
    with daemon.login() as client:
        client.Health()
        assert client.uuid == uuid
    assert identifier.read_bytes() == good
    daemon.stop()
    assert "repair the server identity" in audit_trail(daemon)


@pytest.mark.parametrize("content", [b"", b'{"datab', bytes(200)], ids=["empty", "half", "zeros"])
def test_where_the_checker_stood_may_be_lost(launch, content):
    daemon = launch("--consistency-check-interval", "1s")
    daemon.stop()
    (daemon.data / "immudb.checker").write_bytes(content)
    daemon.start()
    with daemon.login() as client:
        client.safe_set(b"k", b"v")


def test_without_the_system_database_it_does_not_start(launch, tmp_path):
    """A new one would let immudb/immudb at every database."""
    daemon = launch()
    with daemon.login() as client:
        client.CreateDatabase(databasename="ledger")
        client.use("ledger").safe_set(b"k", b"v")
    daemon.stop()
    (daemon.data / "systemdb").rename(tmp_path / "systemdb")
    before = sorted(daemon.data.iterdir())
    text = refuses_to_start(daemon)
    for part in (str(daemon.data), "ledger", "--admin-password-file", "--maintenance"):
        assert part in text
    assert sorted(daemon.data.iterdir()) == before

    (daemon.data / "systemdb/log").mkdir(parents=True)  # nor is an empty one a first start
    assert "has no users" in refuses_to_start(daemon)
    shutil.rmtree(daemon.data / "systemdb")
    (tmp_path / "systemdb").rename(daemon.data / "systemdb")
    daemon.start()
    with daemon.login(database="ledger") as client:
        assert client.safe_get(b"k").item.value == b"v"


@pytest.mark.parametrize("maintenance", [False, True])
def test_the_ways_back_without_a_system_database(launch, tmp_path, maintenance):
    daemon = launch()
    with daemon.login() as client:
        client.CreateDatabase(databasename="ledger")
        client.use("ledger").safe_set(b"k", b"v")
        uuid = client.uuid
    daemon.stop()
    shutil.rmtree(daemon.data / "systemdb")
    password = tmp_path / "password"
    password.write_text("Another-Pass1")
    password.chmod(0o600)
    daemon.options = ["--maintenance"] if maintenance else ["--admin-password-file", str(password)]
    daemon.start()
    if maintenance:
        with daemon.client() as client:
            client.CreateUser(user=b"boss", password=b"Secret-Pass1", permission=254,
                              database="ledger")
    daemon.stop()
    daemon.options = []
    daemon.start()
    with daemon.client() as client:
        with refused("PermissionDenied", "invalid user name or password"):
            client.Login(user=b"immudb", password=b"immudb")
    user = ("boss", "Secret-Pass1") if maintenance else ("immudb", "Another-Pass1")
    with daemon.login(*user, database="ledger") as client:
        assert client.safe_get(b"k").item.value == b"v"
        assert client.uuid == uuid
    daemon.stop()
    assert "make the system database anew" in audit_trail(daemon)


def test_an_emptied_default_database_is_not_made_anew(launch):
    daemon = launch()
    with daemon.login() as client:
        client.safe_set(b"k", b"v")
    daemon.stop()
    folder = daemon.data / "defaultdb"
    folder.rename(daemon.data / "aside")
    folder.mkdir()
    for _ in range(2):
        assert "Mount its volume" in refuses_to_start(daemon)
    assert not list(folder.iterdir())
    folder.rmdir()
    (daemon.data / "aside").rename(folder)
    daemon.start()
    with daemon.login() as client:
        assert client.safe_get(b"k").item.value == b"v"


@pytest.mark.parametrize("options", [("--no-such-option",), ("--port", "seven"),
                                     ("--port", "70000"), ("nonsense",), ("--dbname", "a/b"),
                                     ("--max-message-size", "-1"), ("--address", "no.such.host.x")])
def test_wrong_options_are_refused_by_name(tmp_path, options):
    daemon = Daemon(tmp_path, address=None)
    code = 1 if options[0] in ("--address", "--dbname") else 2
    text = refuses_to_start(daemon, *options, code=code)
    assert options[-1] in text or options[0].strip("-") in text
    assert not daemon.data.exists() or not list(daemon.data.glob("*/log"))


def test_a_pid_file_says_who_runs(launch, tmp_path):
    path = tmp_path / "run" / "immudb.pid"
    daemon = launch("--pidfile", str(path))
    assert int(path.read_text()) == daemon.process.pid
    other = Daemon(tmp_path / "other", "--pidfile", str(path))
    assert "pid file found, ensure immudb is not running or delete" in refuses_to_start(other)
    daemon.stop()
    assert not path.exists()
