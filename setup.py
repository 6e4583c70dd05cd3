"""What `pyproject.toml` cannot say; everything else is there."""

import shutil

from setuptools import setup
from setuptools.command.build_py import build_py


class FreshBuild(build_py):
    """setuptools would add whatever an earlier build has left: modules that are long gone."""

    def run(self) -> None:
        if not self.editable_mode:  # That one leaves no copies.
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


# Under this name it is left out of the package, whose folder it is in.
setup(script_name="setup.py", cmdclass={"build_py": FreshBuild})
