"""The words of a command line, in the order that its parser needs."""

from collections.abc import Sequence

#: The commands that take a dash in place of a word: it is not read as an option.
_COMMANDS = ("generate", "batch")
#: Their options that take no value: a lone dash after any other one is no prompt.
FLAGS = (
    "--sound", "--sandbox", "--dry-run", "--no-wait", "--json", "--quiet", "-q", "--verbose"
)  # fmt: skip


def arranged(line: Sequence[str]) -> list[str]:
    """
    The line with a prompt that begins with a dash at its end, after a "--".

    Options may stand before and after it, as people add them where the cursor is.

    >>> arranged(["generate", "--", "-5 degrees", "--sandbox"])
    ['generate', '--sandbox', '--', '-5 degrees']
    >>> arranged(["generate", "-", "--sandbox"])
    ['generate', '--sandbox', '--', '-']
    """
    command = next((word for word in line if not word.startswith("-")), None)
    if command not in _COMMANDS:
        return list(line)
    at = line.index(command) + 1
    before, prompts = _taken_apart(line[at:])
    return [*line[:at], *before, *(["--", *prompts] if prompts else [])]


def _taken_apart(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words that the parser may read as options, and the prompts that it must not."""
    end = words.index("--") if "--" in words else len(words)
    prompts, options = _prompts(words[:end])
    if end == len(words) and not any(_is_dashed(word) for word in prompts):
        return list(words), []  # The parser needs no help.
    later = [word for word in words[end + 2 :] if word != "--"]
    others, late = _prompts(later)
    # Whatever follows the prompt comes first, as the last of the others may lack its value.
    return [*late, *options], [*prompts, *words[end + 1 : end + 2], *others]


def _prompts(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words that are neither an option nor the value of one, and the others."""
    prompts, others = list[str](), list[str]()
    for number, word in enumerate(words):
        before = words[number - 1] if number else ""
        is_value = _may_be_option(before) and "=" not in before and before not in FLAGS
        (others if is_value or _may_be_option(word) else prompts).append(word)
    return prompts, others


def _may_be_option(word: str) -> bool:
    return word.startswith("-") and not _is_dashed(word)


def _is_dashed(word: str) -> bool:
    """Whether a word begins with a dash and can be no option."""
    has_blank = any(letter.isspace() for letter in word.partition("=")[0])
    return word == "-" or (word.startswith("-") and has_blank)
