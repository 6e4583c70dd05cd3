"""
The certificates that servers are checked against: those of SSL_CERT_FILE or SSL_CERT_DIR, else
those that come with httpx, which reads the same variables.

SSL_CERT_FILE comes first. Python itself writes the keys of TLS connections to SSLKEYLOGFILE.
"""

import os
import re
import ssl

import httpx

from ..errors import NetworkSettingsError
from ..text import reason, sanitize

#: The names under which OpenSSL looks for certificates in a folder.
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")


def tls_context() -> ssl.SSLContext:
    """What TLS connections are made with; raises `NetworkSettingsError`."""
    file, folders = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if folders and not file:
        _check_folders(folders)
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as error:
        raise _refuse(error, file) from error


def _refuse(error: OSError | ValueError, file: str | None) -> NetworkSettingsError:
    log = os.environ.get("SSLKEYLOGFILE")
    # Only the error for that file has a name in it.
    if log and isinstance(error, OSError) and error.filename == log:
        return _wrong("SSLKEYLOGFILE", log, f"which cannot be written: {reason(error)}", "a file")
    if file and isinstance(error, OSError) and error.strerror and error.filename is None:
        return _wrong("SSL_CERT_FILE", file, _what_is_wrong(error), "a PEM file of certificates")
    said = sanitize(error.args[-1] if error.args else "no reason given").rstrip(".")
    return NetworkSettingsError(f"TLS cannot be set up on this machine: {said}.")


def _what_is_wrong(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "which contains no certificate in PEM form"
    return f"which cannot be read: {reason(error)}"


def _check_folders(value: str) -> None:
    """Raise `NetworkSettingsError` unless OpenSSL finds a certificate in one of the folders."""
    problem = "where no certificate has a name that OpenSSL looks for, such as 5ed36f99.0"
    for folder in filter(None, value.split(os.pathsep)):
        try:
            if any(_HASHED.fullmatch(name) for name in os.listdir(folder)):
                return
        except OSError as error:
            problem = f"which cannot be read: {reason(error)}"
    raise _wrong("SSL_CERT_DIR", value, problem, "a folder of certificates")


def _wrong(variable: str, value: str, problem: str, what: str) -> NetworkSettingsError:
    return NetworkSettingsError(
        f'{variable} is "{sanitize(value, 100)}", {problem}. Set {variable} to {what}, or unset it.'
    )
