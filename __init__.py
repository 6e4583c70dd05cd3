"""Kling 2.6 video generation for ComfyUI and the command line, through plug-in providers."""

import sys
from importlib.util import module_from_spec, spec_from_file_location

# ComfyUI runs this file under the path of its folder, pytest under the folder's bare name.
# Plug-ins import `kling26.core`, so the package is loaded here once under its own name: one copy
# of every class, however many doors lead to it.
if __name__ != "kling26" and "kling26" not in sys.modules:
    _spec = spec_from_file_location("kling26", __file__)
    assert _spec
    assert _spec.loader
    sys.modules["kling26"] = module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["kling26"])

if __name__ != "kling26":
    from kling26.comfy_bridge import WEB_DIRECTORY, comfy_entrypoint

    __all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
