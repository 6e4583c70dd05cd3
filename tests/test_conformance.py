"""The four built-in providers hold the suite that is given to the authors of plug-ins."""

from kling26.providers.apikley import Apikley
from kling26.providers.cometapi import CometAPI
from kling26.providers.kie import Kie
from kling26.providers.runcomfy import RunComfy
from kling26.sandbox.apikley import ApikleySandbox
from kling26.sandbox.cometapi import CometAPISandbox
from kling26.sandbox.kie import KieSandbox
from kling26.sandbox.runcomfy import RunComfySandbox
from kling26.testing.conformance import ProviderTests


class TestKie(ProviderTests):
    provider = Kie()
    sandbox = KieSandbox
    texts = ("duration",)


class TestApikley(ProviderTests):
    provider = Apikley()
    sandbox = ApikleySandbox
    texts = ("duration",)


class TestCometAPI(ProviderTests):
    provider = CometAPI()
    sandbox = CometAPISandbox
    texts = ("duration", "sound")


class TestRunComfy(ProviderTests):
    provider = RunComfy()
    sandbox = RunComfySandbox
