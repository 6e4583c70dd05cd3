import httpx
from kling26.core import Provider, Status, Ticket, hookimpl


class Acme(Provider):
    name, title, key_variable = "acme", "Acme Video", "ACME_API_KEY"
    base_url = "https://api.acme.example"

    def submit(self, request, options):
        body = {"text": request.prompt, "seconds": request.duration, "audio": request.sound}
        reply = yield httpx.Request("POST", f"{self.base_url}/videos", json=body)
        return Ticket(reply.json()["id"])

    def poll(self, ticket):
        reply = yield httpx.Request("GET", f"{self.base_url}/videos/{ticket.task_id}")
        video = reply.json()
        return Status("succeeded" if video["done"] else "running", url=video["url"])


@hookimpl
def kling26_providers():
    return [Acme()]
