"""Where requests go: to the URLs that the provider has at the moment."""

from .forms import Forms
from .judging import fail


class Addresses(Forms):
    """Where requests go."""

    def test_the_base_url_can_be_changed(self) -> None:
        """
        The paid request goes to `base_url`, whatever that is; the runner signs only requests there.

        What to do: build URLs as f"{self.base_url}/…".
        """
        base = "https://moved.example/there"
        elsewhere = {"upload_url": "https://moved.example/files", "balance_url": f"{base}/balance"}
        moved = self.provider.at({"base_url": base, **elsewhere})
        url = str(self._submitting(self._plain(), moved.Options(), moved)[-1].url)
        if not url.startswith(f"{base}/") and url != base:
            fail(f"submit goes to {url} though base_url is {base}.")
