"""Settings of package clients: what goes with a setup, and what stays here."""

import shlex

import pytest

from benchledger.runners.environments.clients import carried_settings, own_settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A HOME with files of pip and npm that name a certificate."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PIP_CONFIG_FILE", "XDG_CONFIG_HOME", "npm_config_userconfig"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ca.pem").write_text("certificate")
    (tmp_path / "wheels").mkdir()
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    text = f"[global]\nindex-url = https://u:p@index.example/simple\ncert = {tmp_path}/ca.pem\nuser = true\n"
    text += "extra-index-url = file:///packages/simple\n  https://other.example/simple\n"
    text += f"find-links = {tmp_path}/wheels\n"
    (tmp_path / ".config" / "pip" / "pip.conf").write_text(text)
    (tmp_path / ".npmrc").write_text(
        f"cafile={tmp_path}/ca.pem\nprefix=/opt/own\n//r.example/:_authToken=t\n"
    )
    return tmp_path


def test_settings_travel_with_the_files_that_they_name_and_without_folders_of_this_machine(home, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", f"{home}/ca.pem")
    monkeypatch.setenv("SSL_CERT_DIR", str(home))
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    found = carried_settings("/cell/setup")
    said = found.variables
    assert said["PIP_INDEX_URL"] == "https://u:p@index.example/simple"
    assert said["PIP_EXTRA_INDEX_URL"] == "https://other.example/simple"
    assert said["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert said["PIP_CERT"] == said["SSL_CERT_FILE"]
    assert found.files[said["PIP_CERT"]] == b"certificate"
    npmrc = found.files[said["npm_config_userconfig"]].decode()
    assert npmrc == f"cafile={said['PIP_CERT']}\n//r.example/:_authToken=t\n"
    gone = {"PIP_TARGET", "PIP_USER", "PIP_FIND_LINKS", "SSL_CERT_DIR"}
    assert not gone & set(said)
    assert str(home) not in found.script().decode()
    lines = [shlex.split(line) for line in found.script().decode().splitlines()]
    assert {word.partition("=")[0] for _, word in lines} == set(said)
    assert not found.wants_host_network


def test_on_this_machine_clients_are_led_to_the_files_of_the_user(home, monkeypatch):
    monkeypatch.setenv("PIP_PREFIX", "/elsewhere")
    said = own_settings()
    assert said["PIP_CONFIG_FILE"] == f"{home}/.config/pip/pip.conf"
    assert said["npm_config_userconfig"] == f"{home}/.npmrc"
    assert "PIP_PREFIX" not in said
    assert "PATH" not in said


@pytest.mark.parametrize("address", ["http://127.0.0.1:3141/x", "http://u:p@localhost/x", "http://[::1]:80/"])
def test_an_index_on_loopback_asks_for_the_machine_s_own_network(home, monkeypatch, address):
    monkeypatch.setenv("PIP_INDEX_URL", address)
    assert carried_settings("/cell/setup").wants_host_network
