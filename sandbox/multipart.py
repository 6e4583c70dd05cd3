"""The parts of a multipart form (RFC 7578), as an upload sends them."""

from email.message import Message
from email.parser import BytesParser

from attrs import frozen


@frozen
class Part:
    """One field of a form, or one file."""

    name: str
    filename: str | None
    content: bytes


def parts(content_type: str, body: bytes) -> dict[str, Part]:
    """The form's parts by name; empty if the body is not a form."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if boundary is None:
        return {}
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    # What precedes the first boundary and follows the last one is empty.
    found = map(_part, pieces[1:-1])
    return {part.name: part for part in found}


def _part(piece: bytes) -> Part:
    head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = BytesParser().parsebytes(head, headersonly=True)
    name = headers.get_param("name", "", "content-disposition")
    return Part(str(name), headers.get_filename(), content)
