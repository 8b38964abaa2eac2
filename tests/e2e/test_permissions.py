# SPDX-License-Identifier: Apache-2.0
"""Who may call what: each data call with each permission."""
import grpc
import pytest

from harness.client import refused
from harness.daemon import Daemon
from harness.stubs import schema

from test_contract import DATA_CALLS
from test_users import PASSWORD

DENIED = "you do not have permission for this operation"
WRITES = {"Set", "SetSV", "SafeSet", "SafeSetSV", "SetBatch", "SetBatchSV", "Reference",
          "SafeReference", "ZAdd", "SafeZAdd"}
DATABASE_ADMIN = {"Dump"}
SYSTEM_ADMIN = {"PrintTree", "UpdateAuthConfig", "UpdateMTLSConfig"}
PERMISSIONS = {"reader": 1, "writer": 2, "boss": 254, "immudb": 255}


def allowed(method, permission):
    if method in SYSTEM_ADMIN:
        return permission == 255
    if method in DATABASE_ADMIN:
        return permission >= 254
    if method in WRITES:
        return permission >= 2
    return True


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """One logged-in client a permission, on the database alpha."""
    with Daemon(tmp_path_factory.mktemp("ranks")) as daemon:
        root = daemon.login()
        for name in ("alpha", "beta"):
            root.CreateDatabase(databasename=name)
        for name, permission in PERMISSIONS.items():
            if name != "immudb":
                root.CreateUser(user=name.encode(), password=PASSWORD, permission=permission,
                                database="alpha")
        ranks = {name: daemon.login(name, "immudb" if name == "immudb" else PASSWORD, "alpha")
                 for name in PERMISSIONS}
        ranks["immudb"].SetSV(key=b"k", value=schema.Content(timestamp=1, payload=b"p"))
        yield ranks


@pytest.mark.parametrize("user", PERMISSIONS)
@pytest.mark.parametrize("method", sorted(DATA_CALLS))
def test_method(clients, method, user):
    try:
        getattr(clients[user], method)()
        text = ""
    except grpc.RpcError as error:
        text = error.details()
        assert (text == DENIED) == (error.code() == grpc.StatusCode.PERMISSION_DENIED), text
    assert (text != DENIED) == allowed(method, PERMISSIONS[user])


def test_a_refused_write_writes_nothing(clients):
    before = clients["immudb"].CurrentRoot()
    with refused("PermissionDenied", DENIED):
        clients["reader"].Set(key=b"x", value=b"v")
    assert clients["immudb"].CurrentRoot() == before


def test_permission_is_of_one_database(clients):
    for user in ("reader", "writer", "boss"):
        client = clients[user]
        for name in ("beta", "defaultdb", "unknown"):
            with refused("PermissionDenied",
                         "Logged in user does not have permission on this database"):
                client.UseDatabase(databasename=name)
        with refused("InvalidArgument", "this database can not be selected"):
            client.UseDatabase(databasename="systemdb")
        assert client.UseDatabase(databasename="alpha").token


def test_list_of_databases_shows_the_own_ones(clients):
    for user in ("reader", "writer", "boss"):
        assert [d.databasename for d in clients[user].DatabaseList().databases] == ["alpha"]
    assert [d.databasename for d in clients["immudb"].DatabaseList().databases] == [
        "defaultdb", "alpha", "beta"]


def test_list_of_databases_is_in_order_of_the_grants(clients):
    root = clients["immudb"]
    root.CreateUser(user=b"several", password=PASSWORD, permission=1, database="beta")
    for name in ("defaultdb", "alpha"):
        root.ChangePermission(action=schema.GRANT, username="several", database=name, permission=1)
    with type(root)(root.target) as client:
        client.login("several", PASSWORD)
        names = [d.databasename for d in client.DatabaseList().databases]
    assert names == ["beta", "defaultdb", "alpha"]
