# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at bad moments, and databases that come and go under load."""
import threading
import time

import grpc
import pytest

from harness.client import refused
from harness.daemon import Daemon
from harness.stubs import schema

PASSWORD = b"Secret-Pass1"


def listed(client):
    return [database.databasename for database in client.DatabaseList().databases]


def until_killed(work, done):
    """Runs it until the connection breaks; any other end is an error."""
    try:
        work()
    except grpc.RpcError as error:
        if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN):
            done.append(error)
    except BaseException as error:  # pylint: disable=broad-except
        done.append(error)


@pytest.mark.parametrize("milliseconds", [2, 5, 10, 15, 20, 30, 50, 80, 120, 200])
def test_killed_during_the_first_start(tmp_path, milliseconds):
    """Whatever it had made of its directory by then, the next start goes on from there."""
    daemon = Daemon(tmp_path)
    daemon.launch()
    time.sleep(milliseconds / 1000)  # the moment is the test
    daemon.kill()
    with daemon:
        with daemon.login() as client:
            client.safe_set(b"k", b"v")
            assert listed(client) == ["defaultdb"]


def test_killed_while_databases_are_created(launch):
    daemon = launch()
    created = set()
    for round_ in range(4):
        client, done, some = daemon.login(), [], threading.Event()

        def work():
            for i in range(1000):
                name = f"r{round_}n{i}"
                client.CreateDatabase(databasename=name)
                created.add(name)
                if i == 2 + round_:
                    some.set()

        thread = threading.Thread(target=until_killed, args=(work, done))
        thread.start()
        assert some.wait(60)
        daemon.kill()
        thread.join()
        assert not done, done
        client.close()
        daemon.start()
        with daemon.login() as client:
            assert created <= set(listed(client))
            for name in listed(client):
                client.use(name)
                client.safe_set(b"k%d" % round_, name.encode())
            # What was being made is either there or can be made.
            for name in (f"r{round_}n{i}" for i in range(3 + round_, 6 + round_)):
                try:
                    client.CreateDatabase(databasename=name)
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.ALREADY_EXISTS
                created.add(name)
                client.use(name).safe_set(b"again", b"v")


def test_killed_while_users_change(launch):
    daemon = launch()
    known = {}
    for round_ in range(2):
        client, done, some = daemon.login(), [], threading.Event()

        def work():
            for i in range(100):
                name = f"u{round_}n{i}"
                client.CreateUser(user=name.encode(), password=PASSWORD, permission=1,
                                  database="defaultdb")
                known[name] = 1
                client.ChangePermission(action=schema.GRANT, username=name, database="defaultdb",
                                        permission=2)
                known[name] = 2
                if i == 3:
                    some.set()

        thread = threading.Thread(target=until_killed, args=(work, done))
        thread.start()
        assert some.wait(60)
        daemon.kill()
        thread.join()
        assert not done, done
        client.close()
        daemon.start()
        with daemon.login() as client:
            found = {user.user.decode(): user.permissions[0].permission
                     for user in client.ListUsers().users}
            for name, permission in known.items():
                assert found[name] >= permission
        daemon.login(f"u{round_}n0", PASSWORD).close()


def test_many_write_to_more_databases_than_may_be_open(launch):
    """Databases are closed and opened again under their writers; no proof may break."""
    daemon = launch("--max-open-databases", "4")
    root = daemon.login()
    names = [f"db{i}" for i in range(12)]
    for name in names:
        root.CreateDatabase(databasename=name)
    token, failures = root.token, []

    def work(number):
        try:
            trusts, rounds = {}, 6
            with daemon.client(token=token) as client:
                mine = names[number::2] if number < 2 else names[::-1]
                for turn in range(rounds):
                    for name in mine:
                        client.token = token
                        client.use(name)
                        client.trust = trusts.get(name, client.trust)
                        key = b"%d-%d" % (number, turn)
                        client.safe_set(key, name.encode())
                        assert client.safe_get(key).item.value == name.encode()
                        trusts[name] = client.trust
        except BaseException as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    for name in names:
        root.use(name)
        assert root.CurrentRoot().index + 1 == root.Count().count == 18


def test_the_same_name_created_at_once(launch):
    """One wins, the others hear that it exists."""
    daemon = launch()
    with daemon.login() as client:
        invoke = client.channel.unary_unary("/immudb.schema.ImmuService/CreateDatabase")
        for round_ in range(3):
            request = schema.Database(databasename=f"same{round_}").SerializeToString()
            calls = [invoke.future(request, timeout=60, metadata=client.headers())
                     for _ in range(10)]
            errors = [call.exception() for call in calls]
            assert sum(error is None for error in errors) == 1
            assert {error.code() for error in errors if error is not None} == {
                grpc.StatusCode.ALREADY_EXISTS}
        assert listed(client) == ["defaultdb", "same0", "same1", "same2"]


def test_a_permission_that_goes_takes_effect_at_once(launch):
    """Of a writer whose permission is revoked nothing is written after the answer."""
    daemon = launch()
    root = daemon.login()
    root.CreateUser(user=b"writer", password=PASSWORD, permission=2, database="defaultdb")
    writer, done = daemon.login("writer", PASSWORD), []

    def work():
        with pytest.raises(grpc.RpcError) as caught:
            for i in range(1_000_000):
                writer.Set(key=b"%d" % i, value=b"v")
        done.append(caught.value)

    thread = threading.Thread(target=work)
    thread.start()
    end = time.monotonic() + 30
    while root.CurrentRoot().root == b"" and time.monotonic() < end:
        pass
    root.ChangePermission(action=schema.REVOKE, username="writer", database="defaultdb",
                          permission=2)
    thread.join()
    before = root.CurrentRoot()
    assert (done[0].code(), done[0].details()) == (grpc.StatusCode.UNAUTHENTICATED,
                                                   "please login first")
    with refused("Unauthenticated", "please login first"):
        writer.Set(key=b"x", value=b"v")
    assert root.CurrentRoot() == before


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_changed_bytes_on_disk_are_never_answered(launch, place):
    """One byte of one value is changed behind the daemon's back: it may refuse, not lie."""
    daemon = launch("--auth=false")
    with daemon.client() as client:
        values = {b"k%d" % i: b"value-%d-" % i * 100 for i in range(10)}
        for key, value in values.items():
            client.safe_set(key, value)
        trust = client.trust
    daemon.stop()
    wanted = b"value-%d-" % int(place * 10) * 20
    files = [path for path in sorted((daemon.data / "defaultdb").rglob("*"))
             if path.is_file() and wanted in path.read_bytes()]
    assert files, "no file holds the value"
    for path in files:
        raw = bytearray(path.read_bytes())
        raw[raw.index(wanted) + 50] ^= 1
        path.write_bytes(raw)
    try:
        daemon.start()
    except RuntimeError as error:
        assert str(files[0].name) in str(error)  # it names the file, and does not start
        return
    refusals = 0
    with daemon.client() as client:
        client.trust = trust
        for key, value in values.items():
            try:
                assert client.safe_get(key).item.value == value
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.DATA_LOSS, error
                refusals += 1
    assert refusals == 1
