"""How the functions of a plug-in are marked as hooks, and what is wrong with that, in sentences."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import pluggy
from attrs import frozen

from . import hookspecs
from .hookspecs import PROJECT
from .problems import InvalidPlugin
from .provider import Provider
from .text import did_you_mean, join_words, sanitize

#: The names of all hooks, each with the names of its arguments.
HOOKS: Mapping[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(function).parameters)
    for name, function in vars(hookspecs).items()
    if hasattr(function, f"{PROJECT}_spec")
}
#: Those that may be generators, because they return a list.
_LISTS = ("kling26_providers", "kling26_sandboxes")
#: What an implementation of a hook returns: a list of answers, one or none, or nothing.
Form = Literal["list", "one", "none"]
FORMS: Mapping[str, Form] = {
    name: "list" if name in _LISTS else "one" if name == "kling26_before_paying" else "none"
    for name in HOOKS
}


@frozen
class Hook:
    """A hook as a plug-in implements it, in pluggy's words."""

    name: str
    wrapper: bool = False
    hookwrapper: bool = False
    tryfirst: bool = False
    trylast: bool = False

    @property
    def wraps(self) -> bool:
        """Whether it is a wrapper, of either style."""
        return self.wrapper or self.hookwrapper

    def __str__(self) -> str:
        flags = ("wrapper", "hookwrapper", "tryfirst", "trylast")
        told = ", ".join(flag for flag in flags if getattr(self, flag))
        return f"{self.name} ({told})" if told else self.name


#: A function that is marked as a hook, and its name in the plug-in.
Marked = tuple[str, Hook, Callable[..., object]]


def marked(manager: pluggy.PluginManager, plugin: object) -> list[Marked]:
    """The hooks of a plug-in, found by pluggy; raises `InvalidPlugin` if one cannot be called."""
    found = []
    for attribute in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, attribute)
        if options is None:
            continue
        flags = {
            flag: bool(options.get(flag))
            for flag in ("wrapper", "hookwrapper", "tryfirst", "trylast")
        }
        hook = Hook(options.get("specname") or attribute, **flags)
        if hook.name not in HOOKS and options.get("optionalhook"):
            continue
        function = getattr(plugin, attribute)
        _check(plugin, hook, function)
        found.append((attribute, hook, function))
    return found


def _check(plugin: object, hook: Hook, function: Callable[..., object]) -> None:
    """Raise `InvalidPlugin` if pluggy could not call a hook, or not as it is meant."""
    if hook.name not in HOOKS:
        others = did_you_mean(hook.name, HOOKS) or f"; there are {join_words(HOOKS, 'and')}."
        raise InvalidPlugin(f'it has an unknown hook "{sanitize(hook.name, 60)}"{others}')
    _check_arguments(plugin, hook, function)
    if hook.wrapper and hook.hookwrapper:
        raise InvalidPlugin(
            f"its {hook.name} is marked with wrapper and with hookwrapper; wrapper=True is enough."
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidPlugin(f'its {hook.name} must be a plain function, "def" without "async".')
    generates = inspect.isgeneratorfunction(function)
    if hook.wraps and not generates:
        raise InvalidPlugin(
            f"its {hook.name} is marked as a wrapper, which needs a yield: "
            '"results = yield", and at the end "return results". Without one, leave out '
            f'"{"wrapper" if hook.wrapper else "hookwrapper"}=True".'
        )
    if generates and not hook.wraps and hook.name not in _LISTS:
        raise InvalidPlugin(
            f"its {hook.name} contains a yield, so its body would never run; remove that, or "
            'mark it with "@hookimpl(wrapper=True)".'
        )


def _check_arguments(plugin: object, hook: Hook, function: Callable[..., object]) -> None:
    known = HOOKS[hook.name]
    parameters = list(inspect.signature(function).parameters.values())
    if inspect.isclass(plugin) and parameters and parameters[0].name == "self":
        raise InvalidPlugin(
            f"its entry point names the class {sanitize(plugin.__name__, 60)}; name an instance "
            "of it, or a module."
        )
    for each in parameters:
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) or each.default is not each.empty:
            continue
        if each.name not in known:
            meant = did_you_mean(each.name, known)
            takes = f"; it may take {join_words(known, 'and')}." if known else "; it takes none."
            raise InvalidPlugin(
                f'its {hook.name} has the unknown argument "{sanitize(each.name, 60)}"'
                f"{meant or takes}"
            )
        if each.kind == each.KEYWORD_ONLY:
            raise InvalidPlugin(
                f'its {hook.name} takes "{each.name}" after a "*", where pluggy does not give it; '
                'leave out the "*".'
            )


# -- what is not marked, or not for us ---------------------------------------------------------


def oversights(plugin: object) -> Iterator[str]:
    """For each function that is called like a hook and is not marked as one of ours: a sentence."""
    for name in HOOKS:
        function = getattr(plugin, name, None)
        if not inspect.isroutine(function) or hasattr(function, f"{PROJECT}_impl"):
            continue
        if hasattr(function, f"{PROJECT}_spec"):
            yield f'its {name} is marked with "@hookspec"; mark it with "@hookimpl".'
        elif (other := _other_project(function)) is not None:
            yield (
                f'its {name} is marked as a hook of "{sanitize(other, 60)}"; import hookimpl from '
                "kling26.core."
            )
        else:
            yield f'its {name} is not called, because "@hookimpl" is missing above it.'


def why_none(plugin: object) -> str:
    """Why a plug-in has no hook, as far as that can be told."""
    if isinstance(plugin, Provider) or (isinstance(plugin, type) and issubclass(plugin, Provider)):
        return (
            "its entry point names a provider; name the module with the hook kling26_providers, "
            "which returns it."
        )
    if inspect.isfunction(plugin):
        name = sanitize(plugin.__name__, 60)
        return f"its entry point names the function {name}; name its module: {plugin.__module__}."
    others = {
        other
        for function in vars(plugin).values()
        if inspect.isroutine(function) and (other := _other_project(function))
    } if inspect.ismodule(plugin) else set()  # fmt: skip
    if others:
        names = join_words((f'"{sanitize(each, 60)}"' for each in sorted(others)), "and")
        return f"it has hooks of {names} only; import hookimpl from kling26.core."
    return next(oversights(plugin), 'it has no hook; is "@hookimpl" missing?')


def _other_project(function: object) -> str | None:
    """The project that a function is marked as a hook of."""
    marks = getattr(function, "__dict__", {})
    found = (
        name.removesuffix("_impl")
        for name, mark in marks.items()
        if name.endswith("_impl") and isinstance(mark, dict) and "tryfirst" in mark
    )
    return next((name for name in found if name != PROJECT), None)
