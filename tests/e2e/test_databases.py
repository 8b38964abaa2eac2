# SPDX-License-Identifier: Apache-2.0
"""Many databases: names, selection, isolation, restart."""
import pytest

from harness.client import refused
from harness.daemon import Daemon
from harness.stubs import METHODS, schema
from harness.verifier import Trust

from test_contract import DATA_CALLS

SELECT = "please select a database first"


@pytest.fixture(scope="module")
def multi(tmp_path_factory):
    """A daemon with the databases alpha and beta."""
    with Daemon(tmp_path_factory.mktemp("multi")) as daemon:
        with daemon.login() as client:
            client.CreateDatabase(databasename="alpha")
            client.CreateDatabase(databasename="beta")
        yield daemon


@pytest.fixture(scope="module")
def root(multi):
    """The system administrator, no database selected."""
    with multi.login() as client:
        yield client


def listed(client):
    return [database.databasename for database in client.DatabaseList().databases]


RESERVED = "this database name is reserved"
LENGTH = "database name length outside of limits"
PUNCTUATION = "punctuation marks and symbols are not allowed in database name"
UNRECOGNIZED = "unrecognized character in database name"


@pytest.mark.parametrize("name,text", [
    ("systemdb", RESERVED), ("SystemDB", RESERVED), ("", LENGTH), ("a" * 33, LENGTH),
    ("a" * 100_000, LENGTH), ("a-b", PUNCTUATION), ("a_b", PUNCTUATION), ("a.b", PUNCTUATION),
    ("..", PUNCTUATION), (".", PUNCTUATION), ("../up", PUNCTUATION), ("/abs", PUNCTUATION),
    ("a$b", PUNCTUATION), ("a+b", PUNCTUATION), ("a b", UNRECOGNIZED), ("a\tb", UNRECOGNIZED),
    ("a\x00b", UNRECOGNIZED), ("a\nb", UNRECOGNIZED), ("donn\u00e9es", UNRECOGNIZED),
    ("\u0431\u0430\u0437\u0430", UNRECOGNIZED), ("\u6570\u636e", UNRECOGNIZED),
    ("a\u00a0b", UNRECOGNIZED)],
    ids=lambda text: repr(text[:12]))
def test_names_that_are_refused(root, name, text):
    before = listed(root)
    with refused("InvalidArgument", text):
        root.CreateDatabase(databasename=name)
    assert listed(root) == before


@pytest.mark.parametrize("name", ["a", "0", "z" * 32, "myconfig", "config", "defaultdb2",
                                  "xsystemdb", "lost", "con", "log", "index"])
def test_legal_names_are_usable(multi, root, name):
    root.CreateDatabase(databasename=name)
    with multi.login(database=name) as client:
        assert client.safe_set(b"k", name.encode()).index == 0
        assert client.safe_get(b"k").item.value == name.encode()


def test_upper_case_is_made_lower(root):
    root.CreateDatabase(databasename="MixedCase1")
    assert "mixedcase1" in listed(root)
    for name in ("mixedcase1", "MIXEDCASE1"):
        with refused("AlreadyExists", "database mixedcase1 already exists"):
            root.CreateDatabase(databasename=name)


def test_existing_names(root):
    for name in ("alpha", "defaultdb"):
        with refused("AlreadyExists", f"database {name} already exists"):
            root.CreateDatabase(databasename=name)


def test_the_list_is_in_order_of_creation(root):
    found = listed(root)
    assert found[:3] == ["defaultdb", "alpha", "beta"]
    root.CreateDatabase(databasename="aa0")
    assert listed(root) == found + ["aa0"]
    assert "systemdb" not in found


@pytest.mark.parametrize("name", sorted(DATA_CALLS))
def test_without_a_selection_data_calls_are_refused(root, name):
    with refused("FailedPrecondition", SELECT):
        getattr(root, name)()


def test_health_needs_no_selection(root):
    assert root.Health().status


def test_selection_errors(root):
    with refused("InvalidArgument", "this database can not be selected"):
        root.UseDatabase(databasename="systemdb")
    for name in ("unknown", "", "../alpha", "alpha/", "x" * 1000):
        with refused("NotFound", f"{name} does not exist"):
            root.UseDatabase(databasename=name)


def test_a_name_of_any_length_is_answered(root):
    """An answer that repeats it whole is more than a client takes as the text of an error."""
    codes = ("NotFound", "InvalidArgument")
    for size in (5_000, 20_000, 1_000_000):
        name = "x" * size
        for call in (lambda: root.UseDatabase(databasename=name),
                     lambda: root.CreateUser(user=b"u", password=b"Secret-Pass1", permission=1,
                                             database=name),
                     lambda: root.SetActiveUser(username=name, active=True),
                     lambda: root.ChangePassword(user=name.encode(), newPassword=b"Secret-Pass1"),
                     lambda: root.ChangePermission(username=name, database="alpha", permission=1),
                     lambda: root.ChangePermission(username="u", database=name, permission=1)):
            with refused(codes):
                call()


def test_databases_do_not_see_each_other(multi):
    alpha, beta = multi.login(database="alpha"), multi.login(database="beta")
    alpha.Set(key=b"only-alpha", value=b"a")
    alpha.safe_set(b"both", b"a")
    beta.safe_set(b"both", b"b")
    assert (alpha.Get(key=b"both").value, beta.Get(key=b"both").value) == (b"a", b"b")
    with refused("NotFound", "Key not found"):
        beta.Get(key=b"only-alpha")
    for call in ("Reference", "ZAdd"):
        name = "reference" if call == "Reference" else "set"
        with refused("NotFound", "Key not found"):
            getattr(beta, call)(key=b"only-alpha", **{name: b"x"})
    assert alpha.CurrentRoot().root != beta.CurrentRoot().root
    assert [item.key for item in beta.Scan().items] == [b"both"]
    alpha.close()
    beta.close()


def test_one_user_holds_tokens_for_several_databases(multi):
    client = multi.login()
    tokens = {}
    for name in ("alpha", "beta", "defaultdb"):
        client.use(name)
        tokens[name] = client.token
        client.Set(key=b"where", value=name.encode())
    for name, token in tokens.items():
        client.token = token
        assert client.Get(key=b"where").value == name.encode()
    client.close()


def test_the_first_database_ends_the_simple_mode(launch):
    """Until then a Login selects defaultdb, so that simple clients need not know of databases."""
    daemon = launch()
    client = daemon.login()
    client.Set(key=b"k", value=b"v")
    client.CreateDatabase(databasename="second")
    assert client.Get(key=b"k").value == b"v"  # its token keeps its selection
    client.login()
    with refused("FailedPrecondition", SELECT):
        client.Get(key=b"k")
    client.use("defaultdb")
    assert client.Get(key=b"k").value == b"v"


def test_the_default_database_can_have_another_name(launch):
    daemon = launch("--dbname", "ledger")
    client = daemon.login()
    client.Set(key=b"k", value=b"v")
    assert listed(client) == ["ledger"]
    assert client.use("ledger").Get(key=b"k").value == b"v"
    assert (daemon.data / "ledger").is_dir()


def test_databases_survive_a_restart(launch):
    daemon = launch()
    names = ["zeta", "aconfig", "defaultdb1", "mysystemdb", "middle"]
    trusts = {}
    with daemon.login() as client:
        for name in names:
            client.CreateDatabase(databasename=name)
        for name in names:
            client.use(name)
            for i in range(5):
                client.safe_set(b"k%d" % i, name.encode())
            trusts[name] = Trust(client.trust.index, client.trust.root)
    daemon.stop()
    (daemon.data / "lost+found").mkdir()
    (daemon.data / "lost+found" / "file").write_text("of the file system")
    (daemon.data / "notes.txt").write_text("of the operator")
    for _ in range(2):
        daemon.start()
        with daemon.login() as client:
            assert set(listed(client)) == {"defaultdb", *names}
            assert listed(client)[0] == "defaultdb"
            with refused("FailedPrecondition", SELECT):
                client.CurrentRoot()
            for name in names:
                client.use(name)
                client.trust = trusts[name]
                assert client.safe_get(b"k3").item.value == name.encode()
        daemon.kill()


def test_only_the_system_administrator_creates_databases(launch):
    daemon = launch()
    root = daemon.login()
    root.CreateUser(schema.CreateUserRequest(user=b"boss", password=b"Secret-Pass1",
                                             permission=254, database="defaultdb"))
    with daemon.login("boss", "Secret-Pass1") as boss:
        with refused("PermissionDenied",
                     "Logged In user does not have permissions for this operation"):
            boss.CreateDatabase(databasename="mine")


def test_every_data_call_is_listed():
    """A call added to the contract must be added to these tests."""
    assert DATA_CALLS <= set(METHODS)
