"""The variables that say which certificates are trusted, as people set them."""

import os
import ssl
from pathlib import Path

import pytest
from kling26.core.errors import NetworkSettingsError
from kling26.core.http.certificates import tls_context

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


@pytest.fixture(autouse=True)
def _none_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def complaint() -> str:
    with pytest.raises(NetworkSettingsError) as error:
        tls_context()
    return str(error.value)


def test_the_usual_certificates_are_trusted_where_nothing_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")

    assert tls_context().cert_store_stats()["x509_ca"] > 50


@pytest.mark.parametrize("name", ["", "folder", "missing", "empty", "text"])
def test_a_file_without_certificates_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("-----BEGIN CERTIFICATE-----\nx")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))

    said = complaint()

    assert said.startswith(f'SSL_CERT_FILE is "{tmp_path / name}", which ')
    assert said.endswith(". Set SSL_CERT_FILE to a PEM file of certificates, or unset it.")


@pytest.mark.parametrize("name", ["missing", "empty", "file"])
def test_a_folder_without_certificates_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / name))

    said = complaint()

    assert said.startswith(f'SSL_CERT_DIR is "{tmp_path / name}", ')
    assert said.endswith(". Set SSL_CERT_DIR to a folder of certificates, or unset it.")


def test_one_of_several_folders_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "5ed36f99.0").touch()
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join(["missing", str(tmp_path)]))

    assert isinstance(tls_context(), ssl.SSLContext)


def test_a_log_of_keys_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "missing" / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))

    assert complaint() == (
        f'SSLKEYLOGFILE is "{log}", which cannot be written: No such file or directory. '
        "Set SSLKEYLOGFILE to a file, or unset it."
    )


def test_what_else_fails_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> ssl.SSLContext:
        raise ssl.SSLError("No cipher can be selected.")

    monkeypatch.setattr(ssl, "create_default_context", fail)

    assert complaint() == "TLS cannot be set up on this machine: No cipher can be selected."
