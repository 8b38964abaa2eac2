# SPDX-License-Identifier: Apache-2.0
"""Every RPC of the contract is served, behind the token, with the server's identity."""
import base64

import grpc
import pytest

from harness.client import refused
from harness.stubs import METHODS, SERVICE

DATA_CALLS = {
    "Set", "SetSV", "SafeSet", "SafeSetSV", "SetBatch", "SetBatchSV", "Reference", "SafeReference",
    "ZAdd", "SafeZAdd", "Get", "GetSV", "SafeGet", "SafeGetSV", "GetBatch", "GetBatchSV", "ByIndex",
    "ByIndexSV", "BySafeIndex", "CurrentRoot", "Inclusion", "Consistency", "History", "HistorySV",
    "Scan", "ScanSV", "ZScan", "ZScanSV", "IScan", "IScanSV", "Count", "PrintTree", "Dump",
    "UpdateAuthConfig", "UpdateMTLSConfig"}
MANAGEMENT = {"ListUsers", "CreateUser", "ChangePassword", "ChangePermission", "SetActiveUser",
              "CreateDatabase", "UseDatabase", "DatabaseList"}


def outcome(client, name):
    """(code, text) of the call with an empty request."""
    try:
        getattr(client, name)()
    except grpc.RpcError as error:
        return error.code().name, error.details()
    return "OK", ""


def test_the_contract_has_46_calls():
    assert len(METHODS) == 46
    assert DATA_CALLS | MANAGEMENT | {"Login", "Logout", "Health"} == set(METHODS)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_is_served(daemon, admin, name):
    token = "nonsense" if name == "Logout" else admin.token  # it would end the other tests' token
    with daemon.client(token=token) as client:
        code, text = outcome(client, name)
    assert code in ("OK", "NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION",
                    "PERMISSION_DENIED", "UNAUTHENTICATED"), (code, text)
    assert text or code == "OK"
    assert daemon.alive()


@pytest.mark.parametrize("token", [None, "", "nonsense", "\x21" * 300],
                         ids=["none", "empty", "nonsense", "long"])
@pytest.mark.parametrize("name", sorted(DATA_CALLS))
def test_data_calls_need_a_token(daemon, name, token):
    with daemon.client(token=token) as client:
        assert outcome(client, name) == ("UNAUTHENTICATED", "please login first")


# Texts as they were; the rule that is checked before the token is named by its own text.
@pytest.mark.parametrize("name,text", [
    ("ListUsers", "please login"), ("CreateUser", "please login"),
    ("ChangePassword", "please login first"), ("UseDatabase", "Please login"),
    ("ChangePermission", "Please login"), ("DatabaseList", "please login"),
    ("CreateDatabase", "could not get loggedin user data")])
def test_management_needs_a_token(daemon, name, text):
    with daemon.client() as client:
        assert outcome(client, name) == ("UNAUTHENTICATED", text)


def test_set_active_user_needs_a_token(daemon):
    with daemon.client() as client:
        with refused("InvalidArgument", "username can not be empty"):
            client.SetActiveUser()
        with refused("Unauthenticated", "please login first"):
            client.SetActiveUser(username="someone", active=True)


def test_a_bare_token_and_the_first_of_several_count(admin):
    for headers in ([("authorization", admin.token)],
                    [("authorization", "Bearer " + admin.token), ("authorization", "Bearer x")]):
        admin.CurrentRoot(metadata=headers)
    with refused("Unauthenticated", "please login first"):
        admin.CurrentRoot(metadata=[("authorization", "Bearer x"),
                                    ("authorization", "Bearer " + admin.token)])
    with refused("Unauthenticated", "please login first"):  # only one scheme is stripped
        admin.CurrentRoot(metadata=[("authorization", "Bearer Bearer " + admin.token)])


def test_the_header_names_the_server(daemon, admin):
    """Clients keep trusted roots by this name: with another one they would start from nothing."""
    admin.Health()
    identifier = (daemon.data / "defaultdb/immudb.identifier").read_bytes()
    assert len(identifier) == 12
    text = base64.b32encode(identifier).decode().rstrip("=").translate(
        str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv"))
    assert admin.uuid == text


def test_the_header_is_a_header_also_when_the_call_fails(daemon):
    with daemon.client() as client:
        invoke = client.channel.unary_unary(f"/{SERVICE}/Get")
        with pytest.raises(grpc.RpcError) as caught:
            invoke.with_call(b"", timeout=30)
        error = caught.value
    assert "immudb-uuid" in dict(error.initial_metadata())
    assert "immudb-uuid" not in dict(error.trailing_metadata() or ())


def test_health_needs_no_token(daemon):
    with daemon.client() as client:
        answer = client.Health()
    assert answer.status
    assert answer.version.startswith("immudb ") or answer.version == "no version info available"
    assert not answer.version.endswith("\n")


def test_unknown_paths_are_unimplemented(daemon, admin):
    for path in (f"/{SERVICE}/Restore", f"/{SERVICE}/set", "/immudb.schema.Other/Set", "/x"):
        with pytest.raises(grpc.RpcError) as caught:
            admin.raw(path)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert daemon.alive()


@pytest.mark.parametrize("name", sorted(DATA_CALLS - {"Dump"}))
def test_bytes_that_are_no_message(daemon, admin, name):
    for rubbish in (b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x07" * 40, b"\x0b" * 5000):
        with pytest.raises(grpc.RpcError) as caught:
            admin.raw(f"/{SERVICE}/{name}", rubbish)
        assert caught.value.code() in (grpc.StatusCode.INTERNAL,
                                       grpc.StatusCode.INVALID_ARGUMENT), caught.value
    assert daemon.alive()


def test_unknown_fields_are_ignored(admin, key):
    """Clients newer than the server may send more."""
    request = b"\x0a" + bytes([len(key)]) + key + b"\x12\x01v" + b"\xaa\x06\x03new"
    admin.raw(f"/{SERVICE}/Set", request)
    assert admin.Get(key=key).value == b"v"


def test_compressed_requests(daemon, admin, key):
    """Refused, as the original does; clients of that time send none."""
    with daemon.client(token=admin.token,
                       options=[("grpc.default_compression_algorithm", 2)]) as client:
        with refused("Unimplemented", contains="gzip"):
            client.Set(key=key, value=b"z" * 10_000)
    with refused("NotFound", "Key not found"):
        admin.Get(key=key)


def test_standard_health_service(daemon):
    with daemon.client() as client:
        assert client.raw("/grpc.health.v1.Health/Check") == b"\x08\x01"
        assert client.raw("/grpc.health.v1.Health/Check",
                          b"\x0a" + bytes([len(SERVICE)]) + SERVICE.encode()) == b"\x08\x01"
        with pytest.raises(grpc.RpcError) as caught:
            client.raw("/grpc.health.v1.Health/Check", b"\x0a\x07unknown")
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
