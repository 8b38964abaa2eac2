# SPDX-License-Identifier: Apache-2.0
"""Creating, listing, changing users: every refusal of the contract's tables."""
import itertools
import re

import pytest

from harness.client import refused
from harness.daemon import Daemon
from harness.stubs import schema

PASSWORD = b"Secret-Pass1"
RULE = ("password must have between 8 and 32 letters, digits and special characters of which at "
        "least 1 uppercase letter, 1 digit and 1 special character")
NO_ADMIN = "user is not system admin nor admin in any of the databases"
NOT_HERE = "you do not have permission on this database"
_numbers = itertools.count()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A daemon with the databases alpha and beta; users are made by the tests."""
    with Daemon(tmp_path_factory.mktemp("house")) as daemon:
        with daemon.login() as client:
            client.CreateDatabase(databasename="alpha")
            client.CreateDatabase(databasename="beta")
        yield daemon


@pytest.fixture(scope="module")
def root(house):
    with house.login() as client:
        yield client


@pytest.fixture
def person(house, root):
    """person(permission, database="alpha") makes a user; returns the name and a client."""
    made = []

    def make(permission, database="alpha", select=True, creator=root):
        name = f"user{next(_numbers)}"
        creator.CreateUser(user=name.encode(), password=PASSWORD, permission=permission,
                           database=database)
        client = house.login(name, PASSWORD, database=database if select else None)
        made.append(client)
        return name, client

    yield make
    for client in made:
        client.close()


def entry(client, name):
    found = [user for user in client.ListUsers().users if user.user == name.encode()]
    assert len(found) <= 1
    return found[0] if found else None


def grants(user):
    return [(p.database, p.permission) for p in user.permissions]


# CreateUser

def create(client, name="someone", password=PASSWORD, permission=1, database="alpha"):
    client.CreateUser(user=name if isinstance(name, bytes) else name.encode(), password=password,
                      permission=permission, database=database)


@pytest.mark.parametrize("fields,code,text", [
    ({"name": ""}, "InvalidArgument", "username can not be empty"),
    ({"database": ""}, "InvalidArgument",
     "database name can not be empty when there are multiple databases"),
    ({"database": "unknown"}, "NotFound", "database unknown does not exist"),
    ({"database": "systemdb"}, ("NotFound", "InvalidArgument"), None),
    ({"permission": 0}, "InvalidArgument", "unrecognized permission"),
    ({"permission": 3}, "InvalidArgument", "unrecognized permission"),
    ({"permission": 253}, "InvalidArgument", "unrecognized permission"),
    ({"permission": 256}, "InvalidArgument", "unrecognized permission"),
    ({"permission": 2**32 - 1}, "InvalidArgument", "unrecognized permission"),
    ({"permission": 255}, ("InvalidArgument", "PermissionDenied"),
     "can not create another system admin"),
    ({"name": "immudb"}, "AlreadyExists", "user already exists")],
    ids=lambda value: str(value)[:40])
def test_create_user_refusals(root, fields, code, text):
    with refused(code, text):
        create(root, **fields)
    assert entry(root, fields.get("name", "someone")) is None or fields.get("name") == "immudb"


@pytest.mark.parametrize("name", ["a b", "a-b", "a.b", "\u00e9ric", "a\x00", "a/b", "a\n",
                                  b"\xff\xfe", "x@y"], ids=repr)
def test_user_names(root, name):
    with refused("InvalidArgument",
                 "username can only contain letters, digits and underscores"):
        create(root, name=name)


@pytest.mark.parametrize("name", ["A_b_9", "_", "0", "x" * 64])
def test_user_names_that_are_allowed(house, root, name):
    create(root, name=name)
    house.login(name, PASSWORD).close()
    with refused("AlreadyExists", "user already exists"):
        create(root, name=name)


@pytest.mark.parametrize("password", [
    b"", b"Sh-rt1x", b"A1-" + b"x" * 30, b"nouppercase-1", b"NoDigits-here", b"NoSpecial1x",
    b"With Space-1", b"Tab\tInside-1", b"Nul\x00Byte-1"], ids=repr)
def test_password_rule(root, person, password):
    with refused("InvalidArgument", RULE):
        create(root, name=f"user{next(_numbers)}", password=password)
    name, _ = person(1)
    with refused("InvalidArgument"):
        root.ChangePassword(user=name.encode(), newPassword=password)


@pytest.mark.parametrize("password", [b"Eight-1x", b"A1-" + b"x" * 29, b"$ecretWord1"])
def test_passwords_that_are_allowed(house, root, password):
    name = f"user{next(_numbers)}"
    create(root, name=name, password=password)
    house.login(name, password).close()


def test_an_admin_of_a_database_makes_users_of_it_only(house, person):
    name, boss = person(254)
    made, client = person(2, creator=boss)
    client.Set(key=b"k", value=b"v")
    assert entry(boss, made).createdby == name
    with refused("PermissionDenied", NOT_HERE):
        create(boss, database="beta")
    with refused(("InvalidArgument", "PermissionDenied"), "can not create another system admin"):
        create(boss, permission=255)


@pytest.mark.parametrize("permission", [1, 2])
def test_others_make_no_users(person, permission):
    _, client = person(permission)
    with refused("PermissionDenied", NOT_HERE):
        create(client)


def test_without_several_databases_the_default_one_is_meant(launch):
    with launch().login() as client:
        create(client, database="")
        assert grants(entry(client, "someone")) == [("defaultdb", 1)]


# ListUsers

def test_list_shows_all_by_name_to_the_system_administrator(root, person):
    name, _ = person(2)
    users = root.ListUsers().users
    names = [user.user for user in users]
    assert names == sorted(names) and b"immudb" in names
    user = entry(root, name)
    assert grants(user) == [("alpha", 2)] and user.active and user.createdby == "immudb"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC", user.createdat)
    assert grants(entry(root, "immudb")) == [("*", 255)]


def test_list_shows_a_database_admin_who_works_there(root, person):
    name, boss = person(254)
    here, _ = person(1)
    there, _ = person(1, database="beta")
    both, _ = person(1, database="beta")
    root.ChangePermission(action=schema.GRANT, username=both, database="alpha", permission=2)
    shown = {user.user.decode(): grants(user) for user in boss.ListUsers().users}
    assert {name, here, both} <= set(shown) and not {there, "immudb"} & set(shown)
    assert shown[both] == [("alpha", 2)]  # beta is no concern of this administrator


@pytest.mark.parametrize("permission", [1, 2])
def test_list_shows_others_only_themselves(person, permission):
    name, client = person(permission)
    assert [user.user.decode() for user in client.ListUsers().users] == [name]


def test_list_without_a_selected_database(house, person):
    """It ended the process of the original."""
    _, client = person(254, select=False)
    with refused("FailedPrecondition", "please select a database first"):
        client.ListUsers()
    assert house.alive()


# ChangePassword

def test_the_system_administrator_changes_any_password(house, root, person):
    name, client = person(1)
    root.ChangePassword(user=name.encode(), newPassword=b"Another-Pass2")
    with refused("Unauthenticated", "please login first"):
        client.CurrentRoot()
    with refused("PermissionDenied", "invalid user name or password"):
        client.login(name, PASSWORD)
    client.login(name, b"Another-Pass2")


def test_the_password_of_immudb_needs_the_old_one(launch):
    daemon = launch()
    with daemon.login() as client:
        for old in (b"", b"wrong"):
            with refused("PermissionDenied", "old password is incorrect"):
                client.ChangePassword(user=b"immudb", oldPassword=old, newPassword=PASSWORD)
        client.ChangePassword(user=b"immudb", oldPassword=b"immudb", newPassword=PASSWORD)
        with refused("Unauthenticated", "please login first"):
            client.CurrentRoot()
        with refused("PermissionDenied", "invalid user name or password"):
            client.login()
        assert client.login("immudb", PASSWORD).warning == b""
    daemon.stop()
    daemon.start()
    daemon.login("immudb", PASSWORD).close()


def test_change_password_refusals(root, person):
    name, client = person(2)
    boss_name, boss = person(254)
    with refused("PermissionDenied", NO_ADMIN):
        client.ChangePassword(user=boss_name.encode(), newPassword=b"Another-Pass2")
    with refused("InvalidArgument", "username can not be empty"):
        root.ChangePassword(newPassword=b"Another-Pass2")
    unknown = ("NotFound", "PermissionDenied")
    for caller, target in ((root, "nobody"), (boss, "nobody"), (boss, name)):
        with refused(unknown, f"user {target} was not found or it was not created by you"):
            caller.ChangePassword(user=target.encode(), newPassword=b"Another-Pass2")
    with refused("InvalidArgument"):
        root.ChangePassword(user=name.encode())
    for caller in (client, boss):  # nobody takes the account of the system administrator
        with refused(("PermissionDenied", "NotFound")):
            caller.ChangePassword(user=b"immudb", oldPassword=PASSWORD,
                                  newPassword=b"Another-Pass2")
    client.CurrentRoot()  # nothing of it changed anything
    boss.CurrentRoot()


def test_one_changes_the_own_password_with_the_old_one(person):
    name, client = person(1)
    for old in (b"", b"wrong"):
        with refused("PermissionDenied"):
            client.ChangePassword(user=name.encode(), oldPassword=old,
                                  newPassword=b"Another-Pass2")
    client.ChangePassword(user=name.encode(), oldPassword=PASSWORD, newPassword=b"Another-Pass2")
    client.login(name, b"Another-Pass2")


def test_a_database_admin_changes_whom_he_made(house, person):
    _, boss = person(254)
    name, _ = person(1, creator=boss)
    boss.ChangePassword(user=name.encode(), newPassword=b"Another-Pass2")
    house.login(name, b"Another-Pass2").close()


def test_accounts_are_managed_by_who_administers_all_their_databases(house, root, person):
    """Else the first administrator would log in as the other one, and read the other database."""
    boss_name, boss = person(254)
    helper, _ = person(2, creator=boss)
    root.ChangePermission(action=schema.GRANT, username=helper, database="beta", permission=254)
    text = (f"user {helper} has permissions on databases that you do not administer: only the "
            "system administrator may do this")
    with refused("PermissionDenied", text):
        boss.ChangePassword(user=helper.encode(), newPassword=b"Another-Pass2")
    with refused("PermissionDenied", text):
        boss.SetActiveUser(username=helper, active=False)
    house.login(helper, PASSWORD, database="beta").Dump()
    root.ChangePermission(action=schema.GRANT, username=boss_name, database="beta", permission=254)
    boss.ChangePassword(user=helper.encode(), newPassword=b"Another-Pass2")


# ChangePermission

def change(client, name, permission=2, database="alpha", action=schema.GRANT):
    client.ChangePermission(action=action, username=name, database=database,
                            permission=permission)


@pytest.mark.parametrize("fields,code,text", [
    ({"database": "systemdb"}, "InvalidArgument", "this database can not be assigned"),
    ({"name": ""}, "InvalidArgument", "username can not be empty"),
    ({"database": ""}, "InvalidArgument", "database can not be empty"),
    ({"action": 2}, "InvalidArgument", "action not recognized"),
    ({"permission": 0}, "InvalidArgument", "unrecognized permission"),
    ({"permission": 100}, "InvalidArgument", "unrecognized permission"),
    ({"permission": 255}, "InvalidArgument", "unrecognized permission"),
    ({"permission": 256}, "InvalidArgument", "unrecognized permission"),
    ({"permission": 0, "action": schema.REVOKE}, "InvalidArgument", "unrecognized permission"),
    ({"name": "immudb"}, "InvalidArgument", "changing you own permissions is not allowed"),
    ({"name": "nobody"}, "NotFound", "user nobody not found"),
    ({"database": "unknown"}, "NotFound", "database unknown does not exist")],
    ids=lambda value: str(value)[:40])
def test_change_permission_refusals(root, person, fields, code, text):
    name, _ = person(1)
    with refused(code, text):
        change(root, **{"name": name, **fields})
    assert grants(entry(root, name)) == [("alpha", 1)]


def test_grant_replaces_and_revoke_removes(house, root, person):
    name, client = person(1)
    change(root, name)
    assert grants(entry(root, name)) == [("alpha", 2)]
    with refused("Unauthenticated", "please login first"):
        client.Set(key=b"k", value=b"v")
    client.login(name, PASSWORD)
    client.use("alpha").Set(key=b"k", value=b"v")
    change(root, name, 1, "beta")
    assert sorted(grants(entry(root, name))) == [("alpha", 2), ("beta", 1)]
    change(root, name, 2, "alpha", schema.REVOKE)
    assert grants(entry(root, name)) == [("beta", 1)]
    client.login(name, PASSWORD)
    with refused("PermissionDenied", "Logged in user does not have permission on this database"):
        client.use("alpha")
    client.use("beta").CurrentRoot()


def test_only_what_was_granted_is_revoked(root, person):
    name, client = person(2)
    for permission, database, what in ((254, "alpha", "admin on alpha"),
                                       (2, "beta", "read/write on beta")):
        with refused("NotFound", f"user {name} does not have the permission {what}"):
            change(root, name, permission, database, schema.REVOKE)
    assert grants(entry(root, name)) == [("alpha", 2)]
    client.Set(key=b"k", value=b"v")


def test_a_change_in_one_database_disturbs_nobody_in_another(house, root, person):
    _, boss = person(254)
    name, there = person(2, database="beta")
    change(boss, name, 1)
    there.Set(key=b"k", value=b"v")
    here = house.login(name, PASSWORD, database="alpha")
    change(boss, name, 1)  # as it was
    here.CurrentRoot()
    change(boss, name, 2)
    with refused("Unauthenticated", "please login first"):
        here.CurrentRoot()
    there.Set(key=b"k", value=b"v")


def test_rights_are_checked_before_names(person):
    _, reader = person(1)
    target, _ = person(1)
    _, boss = person(254)
    away, _ = person(1, database="beta")
    for name in (target, "nobody"):
        for action in (schema.GRANT, schema.REVOKE):
            with refused("PermissionDenied", NOT_HERE):
                change(reader, name, 1, action=action)
    for database in ("alpha", "beta", "unknown"):
        with refused("PermissionDenied", NOT_HERE):
            create(reader, name=f"user{next(_numbers)}", database=database)
    for name in (away, "nobody"):
        with refused("NotFound", f"user {name} does not have the permission read on alpha"):
            change(boss, name, 1, action=schema.REVOKE)
        with refused("PermissionDenied", f"{name} was not created by you"):
            boss.SetActiveUser(username=name, active=False)


def test_who_may_change_permissions(house, root, person):
    name, client = person(2)
    boss_name, boss = person(254)
    for caller, target, database in ((client, boss_name, "alpha"), (boss, name, "beta")):
        with refused("PermissionDenied", NOT_HERE):
            change(caller, target, 1, database)
    change(boss, name, 1)
    assert grants(entry(root, name)) == [("alpha", 1)]
    assert entry(root, name).createdby == "immudb"  # the creator stays
    with refused("InvalidArgument", "changing you own permissions is not allowed"):
        change(boss, boss_name)


def test_permissions_of_an_inactive_user(root, person):
    name, _ = person(1)
    root.SetActiveUser(username=name, active=False)
    with refused("FailedPrecondition", f"user {name} is not active"):
        change(root, name)


# SetActiveUser

def test_an_inactive_user_is_out_at_once(root, person):
    name, client = person(1)
    root.SetActiveUser(username=name, active=False)
    assert not entry(root, name).active
    with refused("Unauthenticated", "please login first"):
        client.CurrentRoot()
    with refused("PermissionDenied", "user is not active"):
        client.login(name, PASSWORD)
    root.SetActiveUser(username=name, active=True)
    client.login(name, PASSWORD)
    client.use("alpha").CurrentRoot()
    assert entry(root, name).createdby == "immudb"


def test_a_stranger_does_not_learn_who_is_inactive(root, person):
    name, client = person(1)
    root.SetActiveUser(username=name, active=False)
    with refused("PermissionDenied", "invalid user name or password"):
        client.login(name, b"Wrong-Pass1")


def test_set_active_refusals(root, person):
    name, client = person(2)
    boss_name, boss = person(254)
    with refused("InvalidArgument", "username can not be empty"):
        root.SetActiveUser(active=False)
    with refused("PermissionDenied", NO_ADMIN):
        client.SetActiveUser(username=boss_name, active=False)
    for caller, own in ((root, "immudb"), (boss, boss_name)):
        with refused("InvalidArgument", "changing your own status is not allowed"):
            caller.SetActiveUser(username=own, active=False)
    with refused("NotFound", "user nobody not found"):
        root.SetActiveUser(username="nobody", active=False)
    for target in (name, "immudb"):
        with refused("PermissionDenied", f"{target} was not created by you"):
            boss.SetActiveUser(username=target, active=False)
    client.CurrentRoot()


def test_a_database_admin_deactivates_whom_he_made(house, person):
    _, boss = person(254)
    name, client = person(1, creator=boss)
    boss.SetActiveUser(username=name, active=False)
    with refused("Unauthenticated", "please login first"):
        client.CurrentRoot()
