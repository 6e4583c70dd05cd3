"""The fixtures `talk`, `stage` and `replay`, and what the conformance suite prints."""

pytest_plugins = ["kling26.testing.plugin"]
