"""Callbacks that are signed as https://www.standardwebhooks.com says."""

from collections.abc import Mapping


class StandardWebhooks:
    """
    The `verify_callback` of a provider whose service follows Standard Webhooks::

        class Acme(StandardWebhooks, Provider[AcmeOptions]): ...

    Needs the library ``standardwebhooks``: name it among the plug-in's dependencies.
    """

    def verify_callback(self, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        """
        Whether a call was signed with this secret, at most five minutes ago or ahead.

        `secret` is base64, with or without "whsec_" before it; an empty one signs nothing.
        """
        from standardwebhooks.webhooks import (
            EmptyWebhookSecretError,
            Webhook,
            WebhookVerificationError,
        )

        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except (EmptyWebhookSecretError, WebhookVerificationError, ValueError):
            return False  # The latter for text that is no base64, or no UTF-8.
        return True
