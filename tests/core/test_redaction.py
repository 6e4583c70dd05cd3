"""Keys in what is logged: they are removed, whoever logs them."""

import logging

import pytest
from kling26.core.redaction import keep_out_of_logs

KEY = "sk-recognisable-0123456789"


@pytest.mark.parametrize("name", ["kling26", "httpx"])
def test_a_key_that_a_provider_quotes_is_not_logged(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    keep_out_of_logs(KEY)
    with caplog.at_level(logging.INFO):
        logging.getLogger(name).warning("The task's state is %r.", f"done {KEY}")
        logging.getLogger(name).info("GET https://videos.example/v.mp4?key=" + KEY)

    assert KEY not in caplog.text
    assert "The task's state is 'done [key]'." in caplog.text
