"""All settings: one model a subject, with names, defaults and bounds.

The contract is ``docs/configuration.md``, which is made from these models. Settings that
contradict one another are found in ``checks``; how values get here is in ``sources``.
"""

import re
from contextvars import ContextVar
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from jcsync.settings.addresses import parse_bind
from jcsync.settings.connection import Connection
from jcsync.settings.fields import (
    Bind,
    Duration,
    SecretUrl,
    Section,
    StoreUrl,
    between,
)

SOURCES: ContextVar[tuple[PydanticBaseSettingsSource, ...]] = ContextVar("SOURCES", default=())
"""Where :class:`Settings` reads from, highest precedence first; set by ``load`` alone."""

DEFAULT_STORE = "sqlite:///$XDG_STATE_HOME/jcsync/jcsync.db"

NotifyEvent = Literal["failed", "recovered", "held", "escrow"]


class StoreSettings(Section):
    """Where links, runs, changes and holds are kept."""

    url: StoreUrl = Field(
        default=SecretUrl(DEFAULT_STORE),
        description="A file, sqlite:///PATH, or a server, postgresql+psycopg://USER:PASSWORD@HOST"
        "/DATABASE; $VARIABLES and ~ are expanded.",
    )
    keep_history: Annotated[Duration, between("1d")] = Field(
        default=400 * 86_400.0,
        description="Runs, changes and outcomes older than this are removed.",
    )


class LogSettings(Section):
    """What is logged, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severity that is logged."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, else json."
    )


class HttpSettings(Section):
    """The daemon's own web server: /healthz, /readyz and /metrics."""

    enabled: bool = Field(default=True, description="Whether the daemon listens at all.")
    bind: Bind = Field(default="127.0.0.1:8642", description="host:port to listen at.")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen at."""
        return parse_bind(self.bind)


def _check_apprise(url: SecretStr) -> SecretStr:
    if not re.match(r"[A-Za-z0-9+-]+://\S", url.get_secret_value()):
        message = (
            "must be an Apprise URL such as slack://…, mailto://… or json://…; see "
            "https://appriseit.com/services/"
        )
        raise ValueError(message)
    return url


def _check_ping(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s]*", text) or "@" in text.split("/")[2]:
        message = "must be an http or https URL such as https://hc-ping.com/…"
        raise ValueError(message)
    return url


class NotifySettings(Section):
    """Who is told what happened."""

    urls: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(_check_apprise)], ...],
        BeforeValidator(lambda value: [] if value is None else value),
    ] = Field(default=(), description="Apprise URLs: mail, Slack, Teams, webhooks and many others.")
    on: Annotated[
        tuple[NotifyEvent, ...], BeforeValidator(lambda value: [] if value is None else value)
    ] = Field(
        default=("failed", "recovered", "held", "escrow"),
        description="What is worth a message.",
    )
    digest: Literal["daily", "weekly"] | None = Field(
        default=None,
        description="A summary, daily at seven o'clock or weekly on Monday.",
    )
    ping_url: Annotated[SecretStr, AfterValidator(_check_ping)] | None = Field(
        default=None,
        description="Dead man's switch: called at the start (/start), success and failure (/fail) "
        "of runs.",
    )


class Settings(BaseSettings):
    """Everything that can be set, checked."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    store: StoreSettings = Field(default_factory=StoreSettings.model_construct)
    log: LogSettings = Field(default_factory=LogSettings.model_construct)
    http: HttpSettings = Field(default_factory=HttpSettings.model_construct)
    notify: NotifySettings = Field(default_factory=NotifySettings.model_construct)
    connections: dict[str, Connection] = Field(
        default_factory=dict,
        description="One for each directory and platform, by a name of your choice.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 # the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read from our own sources: the built-in ones ignore what is mistyped."""
        return (init_settings, *SOURCES.get())
