"""Where a fleet is: the database of the journal, and the home folder that its machines share."""

from pathlib import Path
from secrets import token_hex

import sqlalchemy as sa
from attrs import frozen
from kling26.core import Settings, SettingsError


@frozen
class Fleet:
    """The fleet that this machine's settings name."""

    settings: Settings

    def conninfo(self) -> str:
        """The journal's database, as its driver names it; raises `SettingsError`."""
        place = self.settings.journal
        if not str(place).startswith("postgresql"):
            raise SettingsError(
                "The machines of a fleet share a journal in PostgreSQL: set KLING26_JOURNAL to "
                "a URL such as postgresql+psycopg://me@host/kling26."
            )
        try:
            url = sa.make_url(str(place)).set(drivername="postgresql")
        except (sa.exc.ArgumentError, ValueError):  # Without its text, which may quote a password.
            raise SettingsError("KLING26_JOURNAL is not a valid database URL.") from None
        return url.render_as_string(hide_password=False)

    @property
    def folder(self) -> Path:
        """What the fleet keeps in the shared home."""
        return self.settings.home / "fleet"

    @property
    def pictures(self) -> Path:
        """Where the pictures of rows wait, for whichever machine gets the row."""
        return self.folder / "pictures"

    def found(self) -> None:
        """Make this home the fleet's, unless it is."""
        self.folder.mkdir(0o700, parents=True, exist_ok=True)
        try:
            with (self.folder / "id").open("x") as file:
                file.write(token_hex(4))
        except FileExistsError:
            pass

    @property
    def queue(self) -> str:
        """
        The queue of those who share this home; raises `SettingsError` if it is no fleet's.

        A machine on which the shared folder is not mounted has another home. It would find neither
        the pictures nor what providers have answered to others, so it is handed no rows.
        """
        try:
            return f"kling26-{(self.folder / 'id').read_text()}"
        except FileNotFoundError:
            raise SettingsError(
                f"{self.settings.home} is not the home of a fleet. Set KLING26_HOME to the folder "
                "that its machines share, or make this one a fleet's with: kling26-fleet prepare"
            ) from None
