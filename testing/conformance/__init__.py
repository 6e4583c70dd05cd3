"""
What every provider has to hold, as a class of tests that the author of a plug-in inherits.

::

    from kling26.testing import ProviderTests
    from kling26_acme import AcmeProvider
    from kling26_acme_sandbox import AcmeSandbox

    class TestAcme(ProviderTests):
        provider = AcmeProvider()
        sandbox = AcmeSandbox

Without an emulator, sample answers do for all but the fault table: see `ProviderTests.replies`. A
test that cannot hold for a service is overridden with its reason, and with nothing less::

    @pytest.mark.xfail(reason="Acme takes no callbacks in its free plan")
    def test_callbacks_are_read(self):
        super().test_callbacks_are_read()
"""

from .answers import Answers
from .base import picture
from .faults import Faults
from .guard import Guard, standard_tests
from .names import Names
from .paying import Paying
from .requests import Requests

__all__ = ["ProviderTests", "picture", "standard_tests"]


# The topics from the last to the first: pytest runs the tests of the last base first.
class ProviderTests(Guard, Faults, Answers, Paying, Requests, Names):
    """The conformance suite: subclass it, and say what is to be held."""
