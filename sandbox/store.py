"""Where a service keeps the files that are uploaded to it, and the usual ways to upload one."""

import mimetypes
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, count
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

from attrs import evolve, frozen
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .conditions import Conditions
from .files import FileResponse
from .images import decode
from .multipart import parts
from .requests import base_of, json_of
from .schema import fields_of

FOLDER = "/store/"


@frozen
class StoredFile:
    """A file that was uploaded, or one that is about to be."""

    name: str
    media_type: str
    url: str
    content: bytes = b""


class FileStore:
    """
    Uploaded files by their paths, in memory.

    `hosts` has the URL of the store for each URL where uploads are asked for, if it is another.
    """

    def __init__(self, conditions: Conditions, hosts: Mapping[str, str]) -> None:
        self._conditions, self._hosts = conditions, hosts
        self._files: dict[str, StoredFile] = {}

    def routes(self) -> list[Route]:
        """The routes to put files, and to get them; neither wants a key."""
        path = FOLDER + "{path:path}"
        return [Route(path, self._put, methods=["PUT"]), Route(path, self._get)]

    def add(
        self, request: Request, name: str, media_type: str | None = None, content: bytes = b""
    ) -> StoredFile:
        """Keep a file, under a URL of its own."""
        base = base_of(request)
        paths = chain([name], (f"{number}/{name}" for number in count(2)))
        path = next(path for path in paths if path not in self._files)
        url = f"{self._hosts.get(base, base)}{FOLDER}{quote(path)}"
        kind = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        self._files[path] = file = StoredFile(name, kind, url, content)
        return file

    def find(self, url: str) -> bytes | None:
        """The content of the file at a URL, if it was uploaded here."""
        _, folder, path = unquote(urlsplit(url).path).partition(FOLDER)
        file = self._files.get(path) if folder else None
        return file.content if file else None

    async def _put(self, request: Request) -> Response:
        """A signed URL takes a file of the announced type; a store elsewhere must see no key."""
        path = request.path_params["path"]
        file = self._files.get(path)
        if base_of(request) in self._hosts.values() and "authorization" in request.headers:
            return PlainTextResponse("There must not be a key", 400)
        if file is None or request.headers.get("content-type") != file.media_type:
            return PlainTextResponse("The signature does not match", 403)
        self._files[path] = evolve(file, content=await request.body())
        return Response()

    async def _get(self, request: Request) -> Response:
        file = self._files.get(request.path_params["path"])
        if file is None or not file.content:
            return PlainTextResponse("Not found", 404)
        return FileResponse(file.content, request, self._conditions, media_type=file.media_type)


class Upload(Protocol):
    """A way to upload: adds the file of a request to a store, or says what is wrong with it."""

    @property
    def urls(self) -> Sequence[str]:
        """The names under which the answer has the file's URL; dots lead into objects."""

    async def take(self, request: Request, add: Callable[..., StoredFile]) -> StoredFile | str: ...


@frozen(kw_only=True)
class FormUpload:
    """
    A multipart form with the file in one of its fields, which is called `file`.

    `urls` are the names under which the answer has the URL of the file; dots lead into objects:
    ``FormUpload(file="content", urls=["urls.get"])`` is answered by ``{"urls": {"get": "https://…"}}``.
    """

    file: str = "file"
    urls: Sequence[str] = ("url",)

    async def take(self, request: Request, add: Callable[..., StoredFile]) -> StoredFile | str:
        form = parts(request.headers.get("content-type", ""), await request.body())
        part = form.get(self.file)
        if part is None or not part.content:
            return f"{self.file} is missing"
        return add(request, part.filename or "file", content=part.content)


@frozen(kw_only=True)
class Base64Upload:
    """JSON with the file in base64, perhaps after ``data:``; `urls` as in `FormUpload`."""

    data: str = "data"
    name: str = "name"
    urls: Sequence[str] = ("url",)

    async def take(self, request: Request, add: Callable[..., StoredFile]) -> StoredFile | str:
        fields = fields_of(await json_of(request))
        content = decode(str(fields.get(self.data, "")))
        if content is None:
            return f"{self.data} is missing, or not base64"
        return add(request, str(fields.get(self.name) or "file"), content=content)


@frozen(kw_only=True)
class PutUpload:
    """
    JSON that announces a file, which is then PUT where the answer says.

    `urls` as in `FormUpload`; one of them is for the PUT, the other for those who want the file.
    """

    name: str = "file_name"
    media_type: str = "content_type"
    urls: Sequence[str] = ("upload_url", "file_url")

    async def take(self, request: Request, add: Callable[..., StoredFile]) -> StoredFile | str:
        fields = fields_of(await json_of(request))
        for field in (self.name, self.media_type):
            if not isinstance(fields.get(field), str) or not fields[field]:
                return f"{field} is missing"
        if "/" in fields[self.name]:
            return f"{self.name} must not have a slash"
        return add(request, fields[self.name], fields[self.media_type])
