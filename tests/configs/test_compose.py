# SPDX-License-Identifier: Apache-2.0
"""docker/compose.yml says what it should and names only what is there."""
import re

import pytest

import sources

FILE = sources.load_yaml(sources.COMPOSE)
SERVICES = FILE["services"]


def test_its_services_are_one_server_and_what_watches_it():
    assert set(SERVICES) == {"immudb", "prometheus", "grafana"}
    for service in SERVICES.values():
        assert re.fullmatch(r"\$\{\w+_IMAGE:-[\w./-]+:[\w.-]+\}", service["image"])
    for dependency in SERVICES["grafana"]["depends_on"]:
        assert dependency in SERVICES


def test_the_server_is_confined_and_its_health_is_asked():
    server = SERVICES["immudb"]
    assert server["read_only"] is True and server["user"] == "3322:3322"
    assert server["cap_drop"] == ["ALL"]
    assert server["healthcheck"]["test"] == ["CMD", "immuadmin", "status"]
    assert "immudb-data:/var/lib/immudb" in server["volumes"]
    assert not any("9497" in port for port in server["ports"])


@pytest.mark.parametrize("name", SERVICES)
def test_mounts_are_named_volumes_or_files_of_the_tree(name):
    for mount in SERVICES[name]["volumes"]:
        source, _, *mode = mount.split(":")
        if source.startswith("."):
            assert (sources.COMPOSE.parent / source).exists(), source
            assert mode == ["ro"]
        else:
            assert source in FILE["volumes"]


def test_secrets_come_from_files_that_git_does_not_keep():
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(FILE["secrets"])
    ignored = (sources.ROOT / ".gitignore").read_text().splitlines()
    assert {"/docker/secrets/", "/docker/.env"} <= set(ignored)
    for name, secret in FILE["secrets"].items():
        assert re.fullmatch(r"\$\{\w+_FILE:-\./secrets/" + name + r"\}", secret["file"])
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert variable.endswith("_FILE") and value.startswith("/run/secrets/")
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_prometheus_asks_the_server_where_it_is():
    jobs = {job["job_name"]: job for job in
            sources.load_yaml(sources.PROMETHEUS / "prometheus.yml")["scrape_configs"]}
    assert jobs["immudb"]["static_configs"] == [{"targets": ["immudb:9497"]}]
    mounted = [mount.split(":")[1] for mount in SERVICES["prometheus"]["volumes"]]
    option = next(word for word in SERVICES["prometheus"]["command"] if "config.file" in word)
    assert option.split("=")[1] == f"{mounted[0]}/prometheus.yml"
    source = sources.load_yaml(sources.GRAFANA / "provisioning/datasources/prometheus.yml")
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
