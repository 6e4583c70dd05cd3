"""The words of a command line, in the order that its parser needs."""

from collections.abc import Iterator, Sequence

#: The options of `generate` that take no value: a lone dash after any other one is no prompt.
FLAGS = ("--sound", "--sandbox", "--json", "--quiet", "-q", "--verbose")


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
    if command != "generate":
        return list(line)
    at = line.index(command) + 1
    before, prompts = _taken_apart(line[at:])
    return [*line[:at], *before, *(["--", *prompts] if prompts else [])]


def _taken_apart(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words that the parser may read as options, and the prompts that it must not."""
    end = words.index("--") if "--" in words else len(words)
    dashed = set(_dashed(words[:end]))
    options = [word for number, word in enumerate(words[:end]) if number not in dashed]
    prompts = [words[number] for number in sorted(dashed)]
    # Whatever follows the prompt comes first, as the last of the others may lack its value.
    return (
        [*(word for word in words[end + 2 :] if word != "--"), *options],
        [*prompts, *words[end + 1 : end + 2]],
    )


def _dashed(words: Sequence[str]) -> Iterator[int]:
    """The positions of words that begin with a dash and can be no option, nor its value."""
    for number, word in enumerate(words):
        before = words[number - 1] if number else ""
        is_value = before.startswith("-") and "=" not in before and before not in FLAGS
        if word.startswith("-") and not is_value and (word == "-" or _has_blank(word)):
            yield number


def _has_blank(word: str) -> bool:
    return any(letter.isspace() for letter in word.partition("=")[0])
