# SPDX-License-Identifier: Apache-2.0
"""Authentication off, devmode, maintenance, and who counts as local."""
import fcntl
import socket
import struct

import grpc
import pytest

from harness.client import refused
from harness.daemon import Daemon, refuses_to_start
from harness.stubs import METHODS, schema

NOT_LOCAL = "server has authentication disabled: only local connections are accepted"
NEEDS_AUTH = "this command is available only with authentication on"
SIOCGIFADDR = 0x8915


def outside_address():
    """An IPv4 address of this machine that is not of its loopback: who calls it is not local."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR,
                                     struct.pack("256s", name.encode()[:15]))
            except OSError:
                continue
            address = socket.inet_ntoa(answer[20:24])
            if not address.startswith("127."):
                return address
    return None


@pytest.fixture
def outside():
    address = outside_address()
    if address is None:
        pytest.skip("this machine has no address besides loopback: nobody can call from outside")
    return address


@pytest.fixture(scope="module")
def off(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("off"), "--auth=false") as daemon:
        yield daemon


def test_without_auth_data_calls_need_no_token(off):
    with off.client() as client:
        client.safe_set(b"k", b"v")
        assert client.safe_get(b"k").item.value == b"v"
    with off.client(token="nonsense") as client:
        assert client.Get(key=b"k").value == b"v"
    assert "Auth enabled    : false" in off.out.text()


def test_without_auth_there_is_no_login(off):
    with off.client() as client:
        with refused("FailedPrecondition", contains="authentication is disabled on server"):
            client.login()
        with refused("FailedPrecondition", contains="server is running with authentication "
                     "disabled, please enable authentication to login"):
            client.login("nobody", "x")


@pytest.mark.parametrize("name,fields", [
    ("ListUsers", {}), ("CreateUser", {"user": b"u"}), ("ChangePassword", {"user": b"u"}),
    ("ChangePermission", {"username": "u", "database": "defaultdb", "permission": 1}),
    ("SetActiveUser", {"username": "u"}), ("CreateDatabase", {"databasename": "x"}),
    ("UseDatabase", {"databasename": "defaultdb"}), ("DatabaseList", {})])
def test_without_auth_nothing_is_managed(off, name, fields):
    with off.client() as client:
        with refused("FailedPrecondition", NEEDS_AUTH):
            getattr(client, name)(**fields)


def test_without_auth_only_local_peers_are_served(launch, outside):
    daemon = launch("--auth=false", address="0.0.0.0")
    with daemon.client(target=f"{outside}:{daemon.port}") as client:
        for name in sorted(METHODS):
            with refused("PermissionDenied", NOT_LOCAL):
                getattr(client, name)()
    for local in ("127.0.0.1", "127.0.0.2", "localhost"):
        with daemon.client(target=f"{local}:{daemon.port}") as client:
            client.Set(key=b"k", value=b"v", wait=True)


def test_devmode_serves_everybody(launch, outside):
    daemon = launch("--auth=false", "--devmode", address="0.0.0.0")
    assert "Dev mode        : true" in daemon.out.text()
    with daemon.client(target=f"{outside}:{daemon.port}") as client:
        client.safe_set(b"k", b"v")
        assert client.Health().status


def test_with_auth_everybody_may_log_in(launch, outside):
    daemon = launch(address="0.0.0.0")
    with daemon.login(target=f"{outside}:{daemon.port}") as client:
        client.safe_set(b"k", b"v")
        client.ListUsers()


def test_users_may_be_kept_to_this_machine(launch, outside):
    daemon = launch("--local-user-management", address="0.0.0.0")
    user = schema.CreateUserRequest(user=b"someone", password=b"Secret-Pass1", permission=1,
                                    database="defaultdb")
    with daemon.login(target=f"{outside}:{daemon.port}") as client:
        client.safe_set(b"k", b"v")
        with refused("PermissionDenied"):
            client.CreateUser(user)
        with refused("PermissionDenied"):
            client.ChangePassword(user=b"immudb", oldPassword=b"immudb",
                                  newPassword=b"Secret-Pass1")
    with daemon.login() as client:
        client.CreateUser(user)


def test_a_unix_socket_is_local(launch, tmp_path):
    path = tmp_path / "s"
    daemon = launch("--auth=false", "--network", "unix", address=str(path))
    assert daemon.target == f"unix:{path}"
    with daemon.client() as client:
        client.safe_set(b"k", b"v")
    daemon.stop()
    daemon.start()  # what is left of the socket is no obstacle
    with daemon.client() as client:
        assert client.Get(key=b"k").value == b"v"


def test_ipv6_loopback_is_local(launch):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    daemon = launch("--auth=false", address="::1")
    assert daemon.target.startswith("[::1]:")
    with daemon.client() as client:
        client.safe_set(b"k", b"v")


def test_no_start_without_auth_when_there_are_databases(launch):
    """Everybody on the machine would read what permissions protect."""
    daemon = launch()
    with daemon.login() as client:
        client.CreateDatabase(databasename="second")
    daemon.stop()
    assert "auth should be on" in refuses_to_start(daemon, "--auth=false")
    daemon.start()


@pytest.fixture
def repaired(launch):
    """A daemon in maintenance, over data with a second database and a user."""
    daemon = launch()
    with daemon.login() as root:
        root.CreateDatabase(databasename="second")
        root.CreateUser(user=b"worker", password=b"Secret-Pass1", permission=2, database="second")
        root.use("second").Set(key=b"k", value=b"v")
    daemon.stop()
    return daemon.start("--maintenance")


def test_maintenance_manages_without_a_token(repaired):
    assert "Maintenance mode: true" in repaired.out.text()
    with repaired.client() as client:
        assert {user.user for user in client.ListUsers().users} == {b"immudb", b"worker"}
        client.CreateUser(user=b"new", password=b"Secret-Pass1", permission=1, database="second")
        with refused("AlreadyExists", "user already exists"):
            client.CreateUser(user=b"new", password=b"Secret-Pass1", permission=1,
                              database="second")
        client.SetActiveUser(username="worker", active=False)
        client.ChangePermission(action=schema.GRANT, username="new", database="second",
                                permission=2)
        users = {user.user: user for user in client.ListUsers().users}
        assert not users[b"worker"].active
        assert [p.permission for p in users[b"new"].permissions] == [2]
        for call in (lambda: client.ChangePassword(user=b"new", newPassword=b"Secret-Pass2"),
                     client.DatabaseList):
            with refused("FailedPrecondition", NEEDS_AUTH):
                call()
    repaired.stop()
    repaired.start()
    with repaired.client() as client:
        with refused("PermissionDenied", "user is not active"):
            client.login("worker", "Secret-Pass1")
        client.login("new", "Secret-Pass1")


def test_maintenance_selects_any_database(repaired):
    with repaired.client() as client:
        with refused(("Unauthenticated", "FailedPrecondition"), "please select database first"):
            client.Get(key=b"k")
        with refused("NotFound", "unknown does not exist"):
            client.use("unknown")
        client.use("second")
        assert client.Get(key=b"k").value == b"v"
        client.safe_set(b"k2", b"v")


def test_maintenance_is_for_local_peers(launch, outside):
    daemon = launch("--maintenance", address="0.0.0.0")
    with daemon.client(target=f"{outside}:{daemon.port}") as client:
        for name in ("ListUsers", "Health", "Login", "UseDatabase", "Set"):
            with refused("PermissionDenied", NOT_LOCAL):
                getattr(client, name)()


def test_update_auth_config_is_for_the_next_start(launch, tmp_path):
    config = tmp_path / "immudb.toml"
    config.write_text('# ours\nauth = true\nmax-message-size = "2MiB"\n')
    daemon = launch("--config", str(config))
    with daemon.login() as client:
        client.UpdateAuthConfig(kind=0)
        client.CurrentRoot()  # this run keeps what it has
        with daemon.client() as stranger, refused("Unauthenticated", "please login first"):
            stranger.CurrentRoot()
    assert "auth = false" in config.read_text() and "# ours" in config.read_text()
    daemon.stop()
    daemon.start()
    assert "Auth enabled    : false" in daemon.out.text()
    before = config.read_text()
    with daemon.client() as client:
        client.CurrentRoot()
        for call in (lambda: client.UpdateAuthConfig(kind=1),
                     lambda: client.UpdateMTLSConfig(enabled=True)):
            with refused("FailedPrecondition", contains=NEEDS_AUTH):
                call()
    assert config.read_text() == before


def test_strangers_change_nothing_but_data(launch, outside, tmp_path):
    """devmode opens the data of one database, not the settings, and no maintenance mode."""
    config = tmp_path / "immudb.toml"
    config.write_text("mtls = false\n")
    daemon = launch("--config", str(config), "--auth=false", "--devmode", address="0.0.0.0")
    with daemon.client(target=f"{outside}:{daemon.port}") as client:
        client.safe_set(b"k", b"v")
        for call in (lambda: client.UpdateAuthConfig(kind=1),
                     lambda: client.UpdateMTLSConfig(enabled=True),
                     lambda: client.CreateDatabase(databasename="mine"),
                     lambda: client.ListUsers()):
            with refused("FailedPrecondition", contains=NEEDS_AUTH):
                call()
    assert config.read_text() == "mtls = false\n"
    daemon.stop()
    daemon.start("--maintenance")
    with daemon.client(target=f"{outside}:{daemon.port}") as client:
        for name in ("ListUsers", "Health", "UseDatabase", "CreateUser", "Set", "Dump"):
            with refused("PermissionDenied", NOT_LOCAL):
                getattr(client, name)()
    with daemon.client() as client, refused("FailedPrecondition"):
        client.UpdateAuthConfig(kind=1)
    assert config.read_text() == "mtls = false\n"


def test_update_mtls_config_is_for_the_next_start(launch, tmp_path):
    config = tmp_path / "immudb.toml"
    config.write_text("mtls = false\n")
    daemon = launch("--config", str(config))
    with daemon.login() as client:
        client.UpdateMTLSConfig(enabled=True)
        client.CurrentRoot()
        assert "mtls = true" in config.read_text()
        client.UpdateMTLSConfig(enabled=False)
    assert "mtls = false" in config.read_text()


def test_without_a_file_there_is_nothing_to_update(admin):
    for call, text in ((lambda: admin.UpdateAuthConfig(kind=1), "config file"),
                       (lambda: admin.UpdateMTLSConfig(enabled=True), "MTLS could not be set")):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert text in caught.value.details()
