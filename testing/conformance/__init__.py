"""
The suite that every provider has to pass, as a class that the author of a plug-in subclasses.

::

    from kling26.testing import ProviderTests
    from kling26_acme import AcmeProvider
    from kling26_acme_sandbox import AcmeSandbox

    class TestAcme(ProviderTests):
        provider = AcmeProvider()
        sandbox = AcmeSandbox

Without an emulator, sample replies do for most tests, and the others say that they need one: see
`ProviderTests.replies`. A test that does not apply to a service is overridden with a reason, and
never without one::

    @pytest.mark.xfail(reason="Acme sends no callbacks in its free plan")
    def test_callbacks_are_read(self):
        super().test_callbacks_are_read()
"""

from . import overrides
from .addresses import Addresses
from .apart import Apart
from .budgets import Budgets
from .callbacks import Callbacks
from .contradictions import Contradictions
from .counting import Counting
from .delivery import Delivery
from .faults import Faults
from .keys import Keys
from .manners import Manners
from .memory import Memory
from .names import Names
from .overrides import Overrides
from .paying import Paying
from .pictures import Pictures
from .requests import Requests
from .responses import Responses
from .results import Results
from .sameness import Sameness
from .several import Several
from .texts import Texts
from .unclear import Unclear
from .understanding import Understanding
from .values import Values
from .wellformed import WellFormed
from .words import Words

__all__ = ["ProviderTests", "standard_tests"]


# The topics from the last to the first: pytest runs the tests of the last base first.
class ProviderTests(
    Overrides,
    Delivery,
    Faults,
    Values,
    Apart,
    Contradictions,
    Unclear,
    Sameness,
    Understanding,
    Budgets,
    Memory,
    Manners,
    Results,
    Callbacks,
    Words,
    Several,
    Responses,
    Paying,
    Addresses,
    WellFormed,
    Pictures,
    Keys,
    Requests,
    Counting,
    Texts,
    Names,
):
    """The conformance suite: subclass it, and say which provider it is for."""


overrides.number(ProviderTests)


def standard_tests() -> list[str]:
    """The names of the standard tests, in the order in which they run."""
    return list(overrides.STANDARD)
