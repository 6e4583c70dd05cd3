"""The journal's tables, in their current version; `migrations` has the older ones."""

import sqlalchemy as sa

METADATA = sa.MetaData()


class _BigInteger(sa.TypeDecorator[int]):
    """Integers stored as digits: unsigned 64-bit ones do not fit any type of SQLite."""

    impl = sa.String(20)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else int(value)


TASKS = sa.Table(
    "tasks",
    METADATA,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("provider", sa.String(100), nullable=False),
    # The distribution that the provider is from, and its version; NULL for our own.
    sa.Column("plugin", sa.Text),
    sa.Column("realm", sa.String(20), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False, index=True),
    # The fingerprint while equal requests must join this task, else NULL: the unique constraint
    # guarantees that there is only one such task.
    sa.Column("active", sa.String(64), unique=True),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    # The request, and the provider's own options.
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("image", sa.Text),
    sa.Column("sound", sa.Boolean, nullable=False),
    sa.Column("duration", sa.Integer, nullable=False),
    sa.Column("aspect_ratio", sa.String(20), nullable=False),
    sa.Column("callback_url", sa.Text),
    sa.Column("seed", _BigInteger, nullable=False),
    # A picture to end with.
    sa.Column("end_image", sa.Text),
    sa.Column("options", sa.JSON(none_as_null=True), nullable=False),
    sa.Column("image_file", sa.Text),
    sa.Column("end_image_file", sa.Text),
    # The own options as they were asked for, if the provider may change until the paid request is
    # sent, and who was passed over.
    sa.Column("asked", sa.JSON(none_as_null=True)),
    sa.Column("passed", sa.JSON(none_as_null=True), nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("updated", sa.Double, nullable=False),
    # Who may write the row: this worker, until another one raises the generation.
    sa.Column("worker", sa.String(40)),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("sending", sa.Double),
    sa.Column("attempts", sa.Integer, nullable=False),
    # How often the user had it submitted again although an answer was lost.
    sa.Column("resubmits", sa.Integer, nullable=False),
    # Since when the budget counts it, by the journal's clock: since it was recorded, or since its
    # paid request left last. And when that was first found to be in the future.
    sa.Column("counts_from", sa.Double, nullable=False),
    sa.Column("found_ahead", sa.Double),
    sa.Column("submitted", sa.Double),
    # When the provider was asked last before it had finished the video, and when that was noticed.
    sa.Column("unfinished", sa.Double),
    sa.Column("finished", sa.Double),
    # The ticket: the provider's id, and whatever else is needed to poll.
    sa.Column("task_id", sa.Text),
    sa.Column("ticket_data", sa.JSON(none_as_null=True)),
    sa.Column("url", sa.Text),
    # The name of the video, relative to the home folder, which may be moved.
    sa.Column("file", sa.Text),
    # What it should cost, as known before it was sent; and what it did.
    sa.Column("price_usd", sa.Double),
    sa.Column("cost", sa.Double),
    sa.Column("cost_unit", sa.Text),
    sa.Column("cost_usd", sa.Double),
    sa.Column("code", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("remedy", sa.JSON(none_as_null=True)),
)
OUTPUTS = sa.Table(
    "outputs",
    METADATA,
    sa.Column("task", sa.String(40), primary_key=True),
    sa.Column("path", sa.String(1000), primary_key=True),
    # What was there when the video was requested: only that may be replaced.
    sa.Column("found", sa.Text),
    sa.Column("written", sa.Double),
)
# What the budget still has to know of tasks that were deleted: how often each was or may have been
# paid for, and what it cost.
FORGOTTEN = sa.Table(
    "forgotten",
    METADATA,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("counts_from", sa.Double, nullable=False),
    sa.Column("found_ahead", sa.Double),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("usd", sa.Double),
)
WORKERS = sa.Table(
    "workers",
    METADATA,
    sa.Column("id", sa.String(40), primary_key=True),
    # The folder that has the worker's lock file, as its machine knows it; NULL without a lock.
    sa.Column("place", sa.String(200)),
    sa.Column("seen", sa.Double, nullable=False),
    sa.Column("beats", sa.Integer, nullable=False),
)
QUOTES = sa.Table(
    "quotes",
    METADATA,
    # A hash of what the price depends on.
    sa.Column("question", sa.String(64), primary_key=True),
    sa.Column("usd", sa.Double, nullable=False),
    sa.Column("told", sa.Double, nullable=False),
)
# The places of paid requests in a provider's window: see `pace`.
DEPARTURES = sa.Table(
    "departures",
    METADATA,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("pace", sa.String(130), nullable=False, index=True),
    sa.Column("taken", sa.Double, nullable=False),
    sa.Column("leaves", sa.Double, nullable=False),
)
# Until when a provider has asked us to wait.
PAUSES = sa.Table(
    "pauses",
    METADATA,
    sa.Column("pace", sa.String(130), primary_key=True),
    sa.Column("until", sa.Double, nullable=False),
)
META = sa.Table(
    "meta",
    METADATA,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), nullable=False),
)
