# SPDX-License-Identifier: Apache-2.0
"""The images at work, on the ports that they expose."""
import os

import pytest

from container import DEADLINE, Daemon

PASSWORD = {"IMMUDB_ADMIN_PASSWORD": "Container-1"}


@pytest.fixture(params=[False, True], ids=["writable", "read_only"])
def read_only(request):
    """Whether the root file system is (`docker run --read-only`)."""
    return request.param


def log_in(client, password):
    return client.run("login", "immudb", text=password + "\n")


def test_a_proven_entry_survives_a_restart(launch, tmp_path, read_only):
    server = launch("immudb", read_only=read_only)
    client = launch("immuclient", read_only=read_only)
    with Daemon(server, tmp_path, PASSWORD):
        assert log_in(client, "immudb")[0] == 5, "the password given at run time is not in force"
        assert log_in(client, PASSWORD["IMMUDB_ADMIN_PASSWORD"])[0] == 0
        assert client.run("use", "defaultdb")[0] == 0
        code, out, err = client.run("safeset", "invoice-17", "paid")
        assert (code, err) == (0, "")
        assert "verified:\ttrue" in out
    assert server.health() != 0, "healthy, though nothing serves"

    with Daemon(server, tmp_path):  # the password counts only when the data is created
        assert log_in(client, PASSWORD["IMMUDB_ADMIN_PASSWORD"])[0] == 0
        assert client.run("use", "defaultdb")[0] == 0
        code, out, err = client.run("safeget", "invoice-17")
        assert (code, err) == (0, "")
        assert "value:\t\tpaid" in out and "verified:\ttrue" in out
    assert (client.volume / "token").exists(), "the session is not kept in the volume"
    assert [name for name in os.listdir(client.volume) if name.startswith(".root-")]


def test_administration(launch, tmp_path, read_only):
    server = launch("immudb", read_only=read_only)
    admin = launch("immuadmin", read_only=read_only)
    with Daemon(server, tmp_path, PASSWORD):
        assert admin.run("status")[0] == 0
        assert admin.run("login", "immudb", text=PASSWORD["IMMUDB_ADMIN_PASSWORD"] + "\n")[0] == 0
        code, out, err = admin.run("database", "list")
        assert (code, err) == (0, "")
        assert "defaultdb" in out

        # As `docker exec`, in the container of the server.
        assert server.run(command=["immuadmin", "login", "immudb"],
                          text=PASSWORD["IMMUDB_ADMIN_PASSWORD"] + "\n")[0] == 0
        archive = tmp_path / "backup.tar.zst"
        with archive.open("wb") as out:
            backup = server.start(command=["immuadmin", "backup", "--dbdir", server.volume_path,
                                           "--output-path", "-"], stdout=out)
        assert backup.wait(DEADLINE) == 0

    standby = launch("immudb", read_only=read_only)
    with archive.open("rb") as backup:
        restore = standby.start(command=["immuadmin", "restore", "--dbdir", standby.volume_path,
                                         "--manual-stop-start", "--yes", "-"], stdin=backup)
    assert restore.wait(DEADLINE) == 0
    with Daemon(standby, tmp_path):
        assert log_in(launch("immuclient"), PASSWORD["IMMUDB_ADMIN_PASSWORD"])[0] == 0

    code, _, err = admin.run("tls", "init", "--out", "certificates", "localhost")
    assert code == 0, err
    assert (admin.volume / "certificates/3_application/certs/localhost.cert.pem").exists()


def test_the_auditor(launch, tmp_path):
    with Daemon(launch("immudb"), tmp_path, PASSWORD):
        client = launch("immuclient", read_only=True)
        code, _, err = client.run("audit-mode", "--once", "--audit-username", "immudb",
                                  env={"IMMUCLIENT_AUDIT_PASSWORD": "Container-1"})
        assert code == 0, err
        assert (client.volume / ".immudb-audit").is_dir()


def test_the_health_check_follows_the_port(launch, tmp_path):
    with Daemon(launch("immudb"), tmp_path, {**PASSWORD, "IMMUDB_PORT": "4433"}) as daemon:
        assert daemon.container.health() != 0


def test_another_user_on_a_folder_of_his(launch, tmp_path):
    volume = tmp_path / "of_another"
    volume.mkdir(mode=0o700)
    os.chown(volume, 1234, 1234)
    server = launch("immudb", read_only=True, volume=volume, user=(1234, 1234))
    with Daemon(server, tmp_path, PASSWORD):
        assert server.run(command=["immuclient", "login", "immudb"],
                          text=PASSWORD["IMMUDB_ADMIN_PASSWORD"] + "\n")[0] == 0


def test_a_mounted_configuration_and_a_mounted_password_count(launch, tmp_path):
    mounted = tmp_path / "configuration"
    mounted.mkdir()
    (mounted / "password").write_text("Mounted-1\n")
    (mounted / "password").chmod(0o600)
    os.chown(mounted / "password", 3322, 3322)
    (mounted / "immudb.toml").write_text(
        'address = "127.0.0.1"\nadmin-password-file = "/etc/immudb/password"\n')
    server = launch("immudb", read_only=True, mounts={"/etc/immudb": mounted})
    with Daemon(server, tmp_path):
        client = launch("immuclient")
        assert log_in(client, "immudb")[0] == 5
        assert log_in(client, "Mounted-1")[0] == 0
    code, out, err = server.run("--print-config")
    assert (code, err) == (0, "")
    origins = {line.split()[0]: line.split()[1:3] for line in out.splitlines()}
    assert origins["address"] == ["127.0.0.1", "file"]
    assert origins["dir"] == ["/var/lib/immudb", "environment"]


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_a_volume_of_somebody_else_is_told_in_one_line(launch, tmp_path, mode):
    volume = tmp_path / "of_root"
    volume.mkdir()
    os.chmod(volume, mode)
    code, out, err = launch("immudb", volume=volume).run()
    assert (code, out) == (1, "")
    assert err == ("immudb: dir: cannot open /var/lib/immudb/immudb.lock: Permission denied; "
                   f"/var/lib/immudb belongs to user 0, group 0 (mode {mode:04o}), "
                   "this process is user 3322, group 3322\n")
    assert not os.listdir(volume)
