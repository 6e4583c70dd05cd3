"""The four built-in providers pass the suite that authors of plug-ins are given."""

import pytest
from kling26.core.plugins import load_sandboxes
from kling26.providers.apikley import Apikley
from kling26.providers.cometapi import CometAPI
from kling26.providers.kie import Kie
from kling26.providers.runcomfy import RunComfy
from kling26.testing.conformance import ProviderTests

pytestmark = pytest.mark.no_cover

SANDBOXES = load_sandboxes()


class TestKie(ProviderTests):
    provider = Kie()
    sandbox = SANDBOXES["kie"]
    texts = ("duration",)


class TestApikley(ProviderTests):
    provider = Apikley()
    sandbox = SANDBOXES["apikley"]
    texts = ("duration",)


class TestCometAPI(ProviderTests):
    provider = CometAPI()
    sandbox = SANDBOXES["cometapi"]
    texts = ("duration", "sound")


class TestRunComfy(ProviderTests):
    provider = RunComfy()
    sandbox = SANDBOXES["runcomfy"]
