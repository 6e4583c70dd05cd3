"""Checks of a provider, when it is loaded; what is wrong is said in a sentence with the remedy."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import get_args

import attrs

from .errors import OptionRefused, ProviderError
from .limits import Limits
from .options import check_values, is_number, is_option, options_of, show
from .problems import InvalidPlugin
from .provider import AUTO, INTERFACE, Provider
from .redaction import KEY_VARIABLE, environment_keys, redact
from .request import VideoRequest
from .settings import PREFIX, is_safe_url, url_variables
from .status import State
from .text import is_one_line, join_words, sanitize

#: A word, or several, before a key in a header.
_SCHEME = re.compile("[!-~]+( [!-~]+)*")
#: RFC 9110, 5.6.2.
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: Users type it, and lists have a column for it.
_LONGEST_NAME = 40
_TEXTS = ("name", "title", "key_variable", "base_url", "cost_unit")
_OPTIONAL_TEXTS = (
    "upload_url", "balance_url", "key_page", "tasks_page", "task_id_name", "charges"
)  # fmt: skip
_FLOWS = ("submit", "poll", "upload", "cancel", "find", "renew", "quote", "balance")
_FUNCTIONS = (
    "check", "price", "read_callback", "verify_callback", "sign", "ticket", "recover_ticket"
)  # fmt: skip


def validate_provider(provider: Provider) -> None:
    """
    Check a provider's interface, names, URLs, options, limits and methods.

    Raises `InvalidPlugin`: "Acme.title must be a non-empty string."
    """
    _check_interface(provider)
    _check_names(provider)
    _check_facts(provider)
    for attribute in ("base_url", "upload_url", "balance_url"):
        _check_url(provider, attribute, getattr(provider, attribute))
    _check_money(provider)
    _check_replies(provider)
    _check_options(provider)
    if not isinstance(provider.limits, Limits):
        hint = ": write Limits()" if provider.limits is Limits else ""
        raise _invalid(provider, "limits", "a kling26.core.Limits", provider.limits, hint=hint)
    for name in (*_FLOWS, *_FUNCTIONS):
        _check_method(provider, name)


def own_variables(provider: Provider) -> tuple[str, ...]:
    """The environment variables that belong to a provider, and to no other: its key and URLs."""
    return *provider.key_variables, *url_variables(provider).values()


def _invalid(
    provider: Provider, attribute: str, required: str, *got: object, hint: str = ""
) -> InvalidPlugin:
    """The error for an attribute; `hint` says what to write, after what it is."""
    shown = "".join(f"; got {_show(value)}" for value in got)
    where = f"{type(provider).__name__}.{attribute}"
    return InvalidPlugin(f"{where} must be {required}{shown}{hint}.")


def _show(value: object) -> str:
    """A value as a sentence quotes it, or only what it is, if that says more."""
    if isinstance(value, type):
        return f"the class {sanitize(value.__name__, 60)}"
    plain = value is None or isinstance(value, str | int | float | list | tuple | dict)
    return show(value) if plain else sanitize(f"one of {type(value).__name__}", 60)


def _check_interface(provider: Provider) -> None:
    needed = provider.interface
    if type(needed) is not int or needed < 1:
        raise _invalid(provider, "interface", "a whole number from 1 up", needed)
    if needed > INTERFACE:
        raise InvalidPlugin(
            f"it needs version {sanitize(needed, 20)} of the plug-in interface, but "
            f"this kling26 has version {INTERFACE}; upgrade kling26."
        )


def _check_names(provider: Provider) -> None:
    keys = environment_keys()
    for attribute in _TEXTS:
        text = getattr(provider, attribute, None)
        if not (isinstance(text, str) and text.strip()):
            raise _invalid(provider, attribute, "a non-empty string", *_given(provider, attribute))
        _check_text(provider, attribute, text, keys)
    for attribute in _OPTIONAL_TEXTS:
        value = getattr(provider, attribute)
        if not isinstance(value, str | None):
            raise _invalid(provider, attribute, "a string or None", value)
        _check_text(provider, attribute, value or "", keys)
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", provider.name):
        required = "a lower-case letter followed by any of a-z, 0-9, - and _"
        raise _invalid(provider, "name", required, provider.name)
    if len(provider.name) > _LONGEST_NAME:
        required = f"at most {_LONGEST_NAME} characters long"
        raise _invalid(provider, "name", required, len(provider.name))
    if provider.name == AUTO:
        raise _invalid(provider, "name", f'another one than "{AUTO}", which means any provider')
    _check_key_variables(provider)
    for variable in own_variables(provider):
        if variable.upper().startswith(PREFIX):
            raise InvalidPlugin(f"{variable} would be a setting of kling26, not of a provider.")


def _check_text(provider: Provider, attribute: str, text: str, keys: Iterable[str]) -> None:
    """Texts are shown on one line, and whoever reads a key from the environment shows none."""
    if not is_one_line(text):
        raise _invalid(provider, attribute, "one line without control characters", text)
    if any(redact(text, key) != text for key in keys):
        raise InvalidPlugin(f"{type(provider).__name__}.{attribute} contains a key; leave it out.")


def _given(provider: Provider, attribute: str) -> tuple[object, ...]:
    """What an attribute is, unless it is missing or empty, which the sentence says already."""
    value = getattr(provider, attribute, None)
    return () if value is None or isinstance(value, str) else (value,)


def _check_key_variables(provider: Provider) -> None:
    others: object = provider.other_key_variables
    if not isinstance(others, tuple):
        hint = f": write ({show(others)},)" if isinstance(others, str) else ""
        raise _invalid(provider, "other_key_variables", "a tuple of names", others, hint=hint)
    for attribute, names in (
        ("key_variable", (provider.key_variable,)),
        ("other_key_variables", others),
    ):
        for name in names:
            if not (isinstance(name, str) and KEY_VARIABLE.fullmatch(name)):
                required = "the variable of a key, such as ACME_API_KEY or ACME_TOKEN"
                raise _invalid(provider, attribute, required, name)


def _check_facts(provider: Provider) -> None:
    """Attributes that say yes or no: "no" is a text, and would be taken for a yes."""
    for attribute in ("takes_callback_url", "cost_comes_late"):
        value = getattr(provider, attribute)
        if not isinstance(value, bool):
            raise _invalid(provider, attribute, "True or False", value)
    if not isinstance(provider.charges_failures, bool | None):
        required = "True, False, or None where it is not documented"
        raise _invalid(provider, "charges_failures", required, provider.charges_failures)


def _check_money(provider: Provider) -> None:
    rate: object = provider.usd_per_unit
    if rate is not None and not (is_number(rate) and rate > 0 and not isinstance(rate, bool)):
        raise _invalid(provider, "usd_per_unit", "a number above 0, or None", rate)


def _check_url(provider: Provider, attribute: str, url: str | None) -> None:
    if url is not None and (not is_safe_url(url) or url.endswith("/")):
        raise _invalid(provider, attribute, "an https:// URL without a trailing slash", url)


# -- replies -----------------------------------------------------------------------------------


def _check_replies(provider: Provider) -> None:
    """How its replies are read, and how its requests are signed."""
    _check_states(provider)
    _check_errors(provider)
    codes: object = provider.success_codes
    if not isinstance(codes, tuple) or not all(map(_is_code, codes)):
        hint = f": write ({show(codes)},)" if _is_code(codes) else ""
        required = "a tuple of strings and whole numbers"
        raise _invalid(provider, "success_codes", required, codes, hint=hint)
    _check_pattern(provider)
    for attribute, form, required in (
        ("key_scheme", _SCHEME, 'the word before the key, such as "Bearer"'),
        ("error_header", _HEADER, 'the name of a header, such as "x-error-code"'),
    ):
        value: object = getattr(provider, attribute)
        if not (isinstance(value, str) and form.fullmatch(value)):
            raise _invalid(provider, attribute, required, value)


def _check_states(provider: Provider) -> None:
    states: object = provider.states
    if not isinstance(states, Mapping):
        raise _invalid(provider, "states", "a dict of the service's words and ours", states)
    known = get_args(State)
    for word, state in states.items():
        if not isinstance(word, str):
            raise _invalid(provider, "states", "a dict whose keys are strings", word)
        if not (isinstance(state, str) and state in known):
            required = f"{join_words(map(show, known))} for {show(word)}"
            raise _invalid(provider, "states", required, state)


def _check_errors(provider: Provider) -> None:
    errors: object = provider.errors
    if not isinstance(errors, Mapping):
        required = "a dict of codes, HTTP statuses or patterns, and errors"
        raise _invalid(provider, "errors", required, errors)
    for key, kind in errors.items():
        if not _is_code(key) and not (
            isinstance(key, re.Pattern) and isinstance(key.pattern, str)
        ):  # fmt: skip
            required = "a dict whose keys are codes, HTTP statuses or compiled patterns"
            raise _invalid(provider, "errors", required, key)
        if not (isinstance(kind, type) and issubclass(kind, ProviderError)):
            named = show(key.pattern if isinstance(key, re.Pattern) else key)
            required = f"an error of kling26.core, such as Refused, for {named}"
            raise _invalid(provider, "errors", required, kind)


def _is_code(value: object) -> bool:
    return type(value) is int or isinstance(value, str)


def _check_pattern(provider: Provider) -> None:
    pattern: object = provider.task_id_pattern
    if pattern is None:
        return
    try:
        groups = re.compile(pattern).groups if isinstance(pattern, str) else 0
    except re.error as error:
        required = f"a regular expression ({sanitize(error, 80)})"
        raise _invalid(provider, "task_id_pattern", required, pattern) from error
    if groups != 1:
        required = "a regular expression with one group, which is the id, or None"
        raise _invalid(provider, "task_id_pattern", required, pattern)


# -- options -----------------------------------------------------------------------------------


def _check_options(provider: Provider) -> None:
    cls: object = provider.Options
    if not (isinstance(cls, type) and attrs.has(cls)):
        raise _invalid(provider, "Options", "an attrs class", cls, hint=_hint(cls))
    fields = attrs.fields_dict(cls)
    for name, field in fields.items():
        if not is_option(field):
            raise _invalid(provider, f"Options.{name}", "made with kling26.core.option")
        if field.default is attrs.NOTHING:
            raise InvalidPlugin(f"{_owner(provider)}.{name} needs a default.")
    try:
        options = list(options_of(cls))
        check_values(cls(), _owner(provider))
    except OptionRefused as error:
        where = f"{_owner(provider)}.{error.option} has a default that does not fit"
        raise InvalidPlugin(f"{where}: {str(error).partition(': ')[2]}") from error
    except (Exception, SystemExit) as error:
        raise InvalidPlugin(f"{_owner(provider)} cannot be read: {sanitize(error)}") from error
    shared = {option.name for option in options_of(VideoRequest)}
    for option in options:
        if not all(type(choice) in (str, int) for choice in option.choices):
            name = f"Options.{option.name}"
            raise _invalid(provider, name, "a choice of strings or whole numbers")
        if option.name in shared:
            required = "called otherwise: every provider has an option of that name"
            raise _invalid(provider, f"Options.{option.name}", required)


def _owner(provider: Provider) -> str:
    return f"{type(provider).__name__}.Options"


def _hint(options: object) -> str:
    """What to do about an `Options` that is no attrs class, worded to follow what it is."""
    if isinstance(options, type):
        of_dataclass = hasattr(options, "__dataclass_fields__")
        return ", a dataclass: decorate it with @attrs.frozen" if of_dataclass else ""
    if attrs.has(type(options)):
        return f": write Options = {type(options).__name__}, without brackets"
    return ""


# -- methods -----------------------------------------------------------------------------------


def _check_method(provider: Provider, name: str) -> None:
    """Refuse a method that could not be called, or not as it is meant."""
    if not provider.can(name):
        return
    method: object = getattr(provider, name)
    if not callable(method):
        raise _invalid(provider, name, "a method", method)
    where = f"{type(provider).__name__}.{name}"
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        form = 'a generator: "def" and "yield"' if name in _FLOWS else 'a plain function: "def"'
        raise InvalidPlugin(f'{where} must be {form}, without "async".')
    wanted = list(inspect.signature(getattr(Provider, name)).parameters)[1:]
    try:
        inspect.signature(method).bind(*wanted)
    except TypeError as error:
        raise InvalidPlugin(
            f"{where} must take {join_words(wanted, 'and') if wanted else 'nothing'} "
            f"after self ({sanitize(error, 80)})."
        ) from error
    except ValueError:  # One in C, whose arguments cannot be told.
        return
