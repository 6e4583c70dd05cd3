"""
What a reply contains of a file (RFC 9110, sections 8.6, 8.8 and 14.4), as its headers say.

Only a strong validator says that two replies are parts of one file, equal byte for byte.
"""

import re
from email.utils import parsedate_to_datetime

import httpx
from attrs import frozen

#: A file's length in bytes: more digits than this are none.
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.ASCII)
#: How much older than the reply a time of modification has to be, in seconds (section 8.8.2.2).
_SETTLED = 60.0
#: A strong entity tag (section 8.8.3) that can be sent back: httpx refuses what is not ASCII.
_STRONG = re.compile(r'"[ !\x23-\x7e]+"')


class WrongPart(ValueError):
    """The headers contradict each other, or the request."""


@frozen
class Part:
    """
    A part of a file: where it begins, how long it is, and how long the whole file is, in bytes.

    Each but the first may be None, if the server does not say it, and so may the validator.
    `coding` is "" if the bytes are those of the file.
    """

    start: int
    length: int | None
    total: int | None
    validator: str | None
    coding: str

    @classmethod
    def read(cls, reply: httpx.Response) -> "Part":
        """The part in a reply with status 200 or 206; raises `WrongPart`."""
        headers = reply.headers
        coding = headers.get("content-encoding", "").strip().lower().replace("identity", "")
        # The validator of a coded file says nothing of the decoded one.
        validator = None if coding else strong_validator(headers)
        stated = headers.get("content-length", "")
        length = int(stated) if _LENGTH.fullmatch(stated) else None
        if reply.status_code == 200:
            return cls(0, length, length, validator, coding)
        found = _RANGE.fullmatch(headers.get("content-range", "").strip())
        if found is None:
            raise WrongPart("it does not say which part of the file it is")
        first, last = int(found[1]), int(found[2])
        total = None if found[3] == "*" else int(found[3])
        if last < first or length not in (None, last - first + 1) or (total or last + 1) <= last:
            raise WrongPart("its lengths contradict each other")
        return cls(first, last - first + 1, total, validator, coding)


def strong_validator(headers: httpx.Headers) -> str | None:
    """What identifies the file's bytes in these headers, for If-Range; None if nothing does."""
    tag = headers.get("etag", "")
    if tag:
        return tag if _STRONG.fullmatch(tag) else None
    modified = headers.get("last-modified", "")
    try:
        age = parsedate_to_datetime(headers.get("date", "")) - parsedate_to_datetime(modified)
    except (OverflowError, TypeError, ValueError):
        return None
    return modified if modified.isascii() and age.total_seconds() >= _SETTLED else None
