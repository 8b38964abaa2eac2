# SPDX-License-Identifier: Apache-2.0
"""Login, Logout, tokens and their end."""
import base64
import os
import resource
import time

import grpc
import pytest

from harness.client import refused
from harness.daemon import Daemon, refuses_to_start
from harness.stubs import schema

WARNING = b"immudb user has the default password: please change it to ensure proper security"


def test_login_gives_a_token_and_warns_of_the_default_password(daemon):
    with daemon.client() as client:
        answer = client.login()
        assert answer.token and answer.warning == WARNING
        assert client.CurrentRoot() is not None


@pytest.mark.parametrize("user,password", [
    ("immudb", "wrong"), ("nobody", "immudb"), ("immudb", ""), ("", ""), ("immudb", "immudb "),
    ("IMMUDB", "immudb"), (b"\xff\x00", b"\xff\x00"), ("x" * 10_000, "y" * 10_000)],
    ids=lambda text: repr(text[:9]))
def test_wrong_name_or_password(launch, user, password):
    """One text for all: a guesser must not learn which names exist."""
    daemon = launch()
    with daemon.client() as client:
        with refused("PermissionDenied", "invalid user name or password"):
            client.login(user, password)
        client.login()


def test_guessing_is_slowed_down(launch):
    daemon = launch()
    with daemon.client() as client:
        texts = set()
        for attempt in range(30):
            with pytest.raises(grpc.RpcError) as caught:
                client.login("immudb", f"guess{attempt}")
            texts.add((caught.value.code().name, caught.value.details()))
            if caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                break
        assert any(code == "RESOURCE_EXHAUSTED" and "too many failed logins" in text
                   for code, text in texts), texts
        assert attempt >= 4, "somebody who mistypes must have a second chance"


def memory(daemon):
    """Resident, in MiB."""
    with open(f"/proc/{daemon.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20


def failing_logins(client, count, name="junk"):
    """Under as many names; some are refused for the failures before them."""
    for number in range(count):
        with pytest.raises(grpc.RpcError) as caught:
            client.login(f"{number}{name}", "junk")
        assert (caught.value.details() == "invalid user name or password"
                or "too many failed logins" in caught.value.details())


def test_long_names_are_not_kept(launch):
    daemon = launch()
    with daemon.login() as client:
        before = memory(daemon)
        failing_logins(client, 8, "x" * (24 << 20))
        assert os.environ.get("IMMUDB_SANITIZER") or memory(daemon) < before + 200


def test_junk_from_an_address_locks_out_nobody_who_was_there(launch):
    """Behind an address there may be an office, or a balancer."""
    daemon = launch()
    with daemon.login() as client:
        failing_logins(client, 25)
        with refused("ResourceExhausted", contains="too many failed logins"):
            client.login("stranger", "x")
        client.login()


def test_junk_over_a_socket_locks_out_nobody(launch, tmp_path):
    daemon = launch("--network", "unix", address=str(tmp_path / "s"))
    with daemon.client() as client:
        failing_logins(client, 25)
        client.login()


def test_many_logins_of_one_user_keep_nobody_out(launch):
    daemon = launch()
    with daemon.login() as root:
        root.CreateUser(user=b"fleet", password=b"Secret-Pass1", permission=1,
                        database="defaultdb")
    request = schema.LoginRequest(user=b"fleet", password=b"Secret-Pass1").SerializeToString()
    with daemon.login("fleet", "Secret-Pass1") as fleet, daemon.client() as other:
        invoke = fleet.channel.unary_unary("/immudb.schema.ImmuService/Login")
        calls = [invoke.future(request, timeout=60) for _ in range(64)]
        while not any(call.done() for call in calls):  # they have arrived
            time.sleep(0.001)
        other.login()
        assert not all(call.done() for call in calls), "the others were not delayed by one login"
        for call in calls:
            assert call.exception() is None or (
                call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED), call.details()


def test_a_right_password_when_the_memory_of_the_process_is_used_up(launch):
    if os.environ.get("IMMUDB_SANITIZER"):
        pytest.skip("a sanitizer needs address space of its own")
    daemon = launch()
    with daemon.login() as client:
        pid = daemon.process.pid
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            used = int(statm.read().split()[0]) * os.sysconf("SC_PAGESIZE")
        resource.prlimit(pid, resource.RLIMIT_AS, (used + (16 << 20), resource.RLIM_INFINITY))
        client.login()
        resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)


def test_tokens_of_several_logins_live_side_by_side(daemon):
    clients = [daemon.login() for _ in range(3)]
    assert len({client.token for client in clients}) == 3
    for client in clients:
        client.CurrentRoot()
        client.close()


def test_logout_ends_all_tokens_of_the_user(launch):
    daemon = launch()
    first, second = daemon.login(), daemon.login()
    first.Logout()
    for client in (first, second):
        with refused("Unauthenticated", "please login first"):
            client.CurrentRoot()
        with refused("Unauthenticated", "invalid token"):
            client.Logout()
    first.login()
    first.CurrentRoot()


def test_logout_says_what_is_missing(daemon):
    with daemon.client() as client:
        with refused("Unauthenticated", "no Authorization header found on request"):
            client.Logout(metadata=[("other", "header")])
        for token in ("", "nonsense"):
            client.token = token
            with refused("Unauthenticated", "invalid token"):
                client.Logout()


def test_a_token_ends_with_its_lifetime(launch):
    daemon = launch("--session-lifetime", "1s")
    client = daemon.login()
    client.CurrentRoot()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            client.CurrentRoot()  # use does not make it last longer
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED
            assert error.details() == "please login first"
            return
    pytest.fail("the token outlived its lifetime")


def test_use_database_issues_another_token(daemon):
    with daemon.login() as client:
        first = client.token
        client.use("defaultdb")
        assert client.token != first
        client.CurrentRoot()
        client.token = first  # the old one stays valid
        client.CurrentRoot()


def test_admin_password_at_creation(launch):
    daemon = launch("--admin-password", "Another-1")
    with daemon.client() as client:
        with refused("PermissionDenied", "invalid user name or password"):
            client.login()
        assert client.login("immudb", "Another-1").warning == b""
    for text in (daemon.log, daemon.out.text()):
        assert "Another-1" not in text
    daemon.stop()
    daemon.options = ["--admin-password", "Ignored-22"]  # only creation counts
    daemon.start()
    daemon.login("immudb", "Another-1").close()


def test_encoded_admin_password_from_the_environment(launch):
    encoded = "enc:" + base64.b64encode(b"Encoded-1").decode()
    daemon = launch(env={"IMMUDB_ADMIN_PASSWORD": encoded})
    daemon.login("immudb", "Encoded-1").close()
    for text in (daemon.log, daemon.out.text()):
        assert "Encoded-1" not in text and encoded not in text


def test_admin_password_that_is_no_base64(tmp_path):
    text = refuses_to_start(Daemon(tmp_path), "--admin-password", "enc:%%%", code=2)
    assert "%%%" not in text and "password" in text


def test_nothing_secret_is_written(launch):
    daemon = launch()
    client = daemon.login()
    client.Set(key=b"secret-key-1", value=b"secret-value-1")
    with pytest.raises(grpc.RpcError):
        daemon.login("immudb", "Secret-attempt-1")
    token = client.token
    client.close()
    daemon.stop()
    for text in (daemon.log, daemon.out.text()):
        for secret in (token, "secret-value-1", "Secret-attempt-1"):
            assert secret not in text
