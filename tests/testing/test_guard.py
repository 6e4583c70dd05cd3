"""The guard of `ProviderTests`: what leaves out a standard test fails the run, and is named."""

import pytest

from .guarded import SHOWN, SUITE, below, runner


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    return runner(pytester, monkeypatch)


DONE = f"{SHOWN}\n    pass\n"
OUTSIDE = "TestDove: test_options_can_be_shown is skipped from outside. Override a test that"
NOT_RUN = "TestDove: test_options_can_be_shown passed without running the standard test."
MISSING = "TestDove: test_options_can_be_shown did not run, though nobody asked for less."
NOTHING = "test_names_and_limits_are_well_formed, test_options_can_be_shown and test_the_base_url"
DROP = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "shown" not in item.name]
"""

#: A provider with a fault that `test_options_can_be_shown` finds.
BROKEN = "provider = Blind()"

FAULTS: dict[str, tuple[str, dict[str, str]]] = {
    "an override that does nothing": (NOT_RUN, {"suite": below(DONE)}),
    "skipif(False)": (
        NOT_RUN, {"suite": below('@pytest.mark.skipif(False, reason="not today")', DONE)}
    ),
    "an xfail that does nothing": (
        NOT_RUN, {"suite": below('@pytest.mark.xfail(reason="not today")', DONE)}
    ),
    "an assignment": (NOT_RUN, {"suite": below("test_options_can_be_shown = lambda self: None")}),
    "an assignment from outside": (
        NOT_RUN, {"suite": SUITE + "\nTestDove.test_options_can_be_shown = lambda self: None\n"}
    ),
    "None in its place": (MISSING, {"suite": below("test_options_can_be_shown = None")}),
    "a mark on the class": (
        "test_options_can_be_shown and test_the_base_url_can_be_changed are skipped from outside.",
        {"suite": SUITE.replace("class T", '@pytest.mark.skip(reason="later")\nclass T')},
    ),
    "a mark on the module": (
        "are skipped from outside.",
        {"suite": SUITE + '\npytestmark = pytest.mark.skip(reason="later")\n'},
    ),
    "xfail on the class": (
        "are marked xfail from outside.",
        {"suite": SUITE.replace("class T", '@pytest.mark.xfail(reason="later")\nclass T')},
    ),
    "a mark from a hook": (OUTSIDE, {"conftest": """
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                if "shown" in item.name:
                    item.add_marker(pytest.mark.skip(reason="later"))
        """}),
    "a fixture that skips": (OUTSIDE, {"conftest": """
        import pytest
        @pytest.fixture(autouse=True)
        def later(request):
            if "shown" in request.node.name:
                pytest.skip("later")
        """}),
    "a hook that skips": (OUTSIDE, {"conftest": """
        import pytest
        def pytest_runtest_setup(item):
            if "shown" in item.name:
                pytest.skip("later")
        """}),
    "a hook that drops tests": (MISSING, {"conftest": DROP}),
    "-k in addopts": (MISSING, {"ini": "addopts = -k 'not shown'"}),
    "--deselect in addopts": (
        MISSING,
        {"ini": "addopts = --deselect test_dove.py::TestDove::test_options_can_be_shown"},
    ),
    "names that pytest does not collect": (NOTHING, {"ini": "python_functions = check_*"}),
    "classes that pytest does not collect": (NOTHING, {"ini": "python_classes = Check*"}),
    "a class that is switched off": (
        "TestDove is switched off by __test__: remove that.", {"suite": below("__test__ = False")}
    ),
    "a helper of its own": (
        "TestDove._outcome replaces a part of the suite: rename it; only provider, sandbox,",
        {"suite": below("def _outcome(self, *args, **given):\n    return None")},
    ),
    "a helper in a class between": (
        "TestDove._samples replaces a part of the suite: rename it; only provider, sandbox,",
        {"suite": SUITE.replace(
            "class TestDove(ProviderTests):",
            "class Base(ProviderTests):\n    def _samples(self):\n        return None\n\n"
            "class TestDove(Base):")},
    ),
    "a few of the topics": (
        "TestDove lacks test_the_base_url_can_be_changed: subclass kling26.testing.ProviderTests",
        {"suite": SUITE.replace("(ProviderTests)", "(Names)").replace(
            "testing import ProviderTests", "testing.conformance.names import Names")},
    ),
    "a kit that was changed": (
        "kling26.testing.recorder.record was replaced while the suite ran: leave kling26 as it is.",
        {"conftest": """
        import pytest
        from kling26.testing import recorder
        @pytest.fixture(autouse=True)
        def changed(monkeypatch):
            monkeypatch.setattr(recorder, "record", None)
        """},
    ),
    "a test of the kit that was changed": (
        "names.Names.test_options_can_be_shown was replaced while",
        {"conftest": """
        import pytest
        from kling26.testing.conformance.names import Names
        @pytest.fixture(autouse=True, scope="session")
        def changed():
            kept = Names.test_options_can_be_shown
            Names.test_options_can_be_shown = lambda self: None
            yield
            Names.test_options_can_be_shown = kept
        """},
    ),
    "a call that is taken for one": (NOT_RUN, {"conftest": """
        def pytest_pyfunc_call(pyfuncitem):
            return "shown" in pyfuncitem.name or None
        """}),
    "a run that is replaced": (NOT_RUN, {"conftest": """
        import pytest
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_call(item):
            if "shown" in item.name:
                item.runtest = lambda: None
        """}),
    "a test that is replaced once it is collected": (NOT_RUN, {"conftest": """
        def pytest_itemcollected(item):
            if "shown" in item.name:
                item.obj = lambda: None
        """}),
    "a standard test that is swallowed": (
        NOT_RUN, {"suite": below(
            '@pytest.mark.xfail(reason="not today")', SHOWN,
            "    try:", "        super().test_options_can_be_shown()",
            "    except BaseException:", "        pass").replace("provider = Dove()", BROKEN)}
    ),
    "a failure that is reported as a success": (
        "TestDove: test_options_can_be_shown failed, but was reported as passed: see the hooks",
        {"suite": SUITE.replace("provider = Dove()", BROKEN), "conftest": """
        import pytest
        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_runtest_makereport():
            report = yield
            report.outcome = "passed"
            return report
        """},
    ),
    "a status that is set to success": (
        "Options.look needs a label",
        {"suite": SUITE.replace("provider = Dove()", BROKEN), "conftest": """
        import pytest
        @pytest.hookimpl(trylast=True)
        def pytest_sessionfinish(session):
            session.exitstatus = 0
        """},
    ),
    "pytest.fail that does nothing": (
        "Options.look needs a label",
        {"suite": SUITE.replace("provider = Dove()", BROKEN), "conftest": """
        import pytest
        @pytest.fixture(autouse=True)
        def mild(monkeypatch):
            monkeypatch.setattr(pytest, "fail", lambda *args, **given: None)
        """},
    ),
    "a provider that is mended by a fixture": (
        "Dove.submit was replaced while the suite ran: test the provider as it is.",
        {"conftest": """
        import dove, pytest
        @pytest.fixture(autouse=True)
        def mended(monkeypatch):
            monkeypatch.setattr(dove.Dove, "submit", lambda self, request, options: None)
        """},
    ),
    "a file that is not collected": (
        "test_dove.py, which has a suite of ProviderTests, is not collected: see collect_ignore",
        {"conftest": 'collect_ignore = ["test_dove.py"]'},
    ),
    "a file that is skipped": (
        "test_dove.py, which has a suite of ProviderTests, is skipped as a whole.",
        {"suite": SUITE + '\npytest.skip("later", allow_module_level=True)\n'},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_leaves_out_a_test_fails_the_run(run, name: str) -> None:
    says, files = FAULTS[name]

    status, said = run(**files)

    assert status == 1
    assert says in said.replace("\n", " ")
    assert "FAILED" in said
