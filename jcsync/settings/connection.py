"""The settings of one connection: directory, scope, platform, mapping, policy, limits, schedule."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from jcsync.model.rules import GroupRemoval, Removal
from jcsync.settings.ceilings import LimitsSettings
from jcsync.settings.entries import AttributeSource, GroupEntry, Where
from jcsync.settings.fields import (
    CronText,
    Duration,
    GroupTemplate,
    JitterField,
    Number,
    OptionalText,
    OrgId,
    ProxyUrl,
    Quirks,
    Section,
    Text,
    Texts,
    TimeZone,
    Url,
    Whole,
    WindowText,
    between,
)
from jcsync.settings.times import Cron, Jitter, Window, parse_cron, parse_window

DEFAULT_GROUP_NAME = "{{ group.name }}"


class DirectorySettings(Section):
    """JumpCloud: which organisation, and with which key it is read."""

    region: Literal["us", "eu", "in"] = Field(
        default="us", description="Gives the hosts that the next three do not name."
    )
    base_url: Url | None = Field(
        default=None,
        description="Of the console API, such as https://console.jumpcloud.com; jcsync adds /api "
        "and /api/v2.",
    )
    insights_url: Url | None = Field(
        default=None,
        description="Of the change feed, such as https://api.jumpcloud.com/insights/directory/v1.",
    )
    token_url: Url | None = Field(
        default=None, description="OAuth2 token end point of service accounts."
    )
    api_key: SecretStr | None = Field(
        default=None, description="Key of an administrator; a read-only role is enough."
    )
    api_key_file: OptionalText = Field(
        default=None, description="File that holds the key, in place of api_key."
    )
    client_id: OptionalText = Field(
        default=None, description="Of a service account, in place of an API key."
    )
    client_secret: SecretStr | None = Field(
        default=None, description="Secret of the service account."
    )
    client_secret_file: OptionalText = Field(
        default=None, description="File that holds the secret, in place of client_secret."
    )
    org_id: OrgId | None = Field(
        default=None,
        description="Organisation; required when the key sees more than one.",
    )
    page_size: Whole = Field(default=100, ge=1, le=1000, description="Records a request.")
    concurrency: Whole = Field(default=4, ge=1, le=64, description="Requests at the same time.")
    requests_per_second: Number = Field(
        default=8.0, gt=0, le=1000, description="Ceiling for the requests to JumpCloud."
    )
    insights: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="The change feed, Directory Insights: auto uses it where it is licensed and "
        "its address is known, on warns when it cannot be read.",
    )


class ScopeSettings(Section):
    """Whom the connection provisions; groups or application is required."""

    groups: Annotated[
        tuple[GroupEntry, ...], BeforeValidator(lambda value: [] if value is None else value)
    ] = Field(default=(), description="Names or ids, or {name: ..., where: [...]}.")
    application: OptionalText = Field(
        default=None,
        description="Id or display label of an SSO application: every group and user bound to it.",
    )
    where: Where = Field(
        default=(),
        description="Conditions such as {attribute: department, in: [IT, HR]}; all must hold.",
    )
    exclude: Texts = Field(
        default=(), description="Ids, usernames or e-mails that are never provisioned."
    )


class ProviderSettings(Section):
    """The platform: where its SCIM interface is, and how it may be used."""

    base_url: Url = Field(
        description="Of the SCIM interface; kept as given: no /v2 is added, no slash is lost."
    )
    token: SecretStr | None = Field(default=None, description="Bearer token; required.")
    token_file: OptionalText = Field(
        default=None, description="File that holds the token, in place of token."
    )
    profile: Text = Field(
        default="rfc", description="How the platform deviates from the RFCs; see docs/profiles."
    )
    quirks: Quirks = Field(default={}, description="Single switches over those of the profile.")
    concurrency: Whole = Field(default=8, ge=1, le=64, description="Requests at the same time.")
    requests_per_second: Number | None = Field(
        default=None, gt=0, le=1000, description="A hard ceiling; without it the rate adapts."
    )
    timeout_s: Number = Field(default=30.0, ge=1, le=600, description="Seconds for one request.")
    ca_file: OptionalText = Field(
        default=None,
        description="Certificate authorities to trust beside those of the system, as PEM.",
    )
    proxy: ProxyUrl | None = Field(default=None, description="Proxy for requests to the platform.")


class UsersSettings(Section):
    """Which account belongs to whom, and what it holds."""

    match: Annotated[
        tuple[Literal["userName", "emails"], ...],
        BeforeValidator(lambda value: [] if value is None else value),
    ] = Field(
        default=("userName", "emails"),
        description="By what accounts are found, after link and externalId, in this order.",
    )
    attributes: Annotated[
        dict[str, AttributeSource | None],
        BeforeValidator(lambda value: {} if value is None else value),
    ] = Field(
        default={},
        description="By SCIM path; merged over the profile's mapping, null removes one.",
    )


class GroupsSettings(Section):
    """Groups and memberships on the platform."""

    enabled: bool = Field(default=False, description="Whether groups are provisioned at all.")
    only: Texts = Field(
        default=(), description="Names, ids or patterns: a subset of the scope's groups."
    )
    name: GroupTemplate = Field(
        default=DEFAULT_GROUP_NAME, description="Jinja2 with group.name and group.id."
    )
    create: bool = Field(default=True, description="false: memberships of existing groups only.")
    adopt: bool = Field(default=True, description="Take over a group of exactly that name.")
    empty: Literal["keep", "skip"] = Field(
        default="keep", description="skip: a group without members is not created."
    )
    extra_members: Literal["remove", "keep"] = Field(
        default="remove", description="Members that the directory does not imply."
    )
    on_leave: GroupRemoval = Field(
        default=GroupRemoval.KEEP, description="What happens to a group that left the scope."
    )


class PolicySettings(Section):
    """What a run may do with accounts."""

    create: bool = Field(default=True, description="Create accounts.")
    update: bool = Field(default=True, description="Change attributes of accounts.")
    adopt: Literal["in_scope", "never"] = Field(
        default="in_scope",
        description="Take over an account that exists already and matches one person in scope.",
    )
    on_leave: Removal = Field(default=Removal.DEACTIVATE, description="Who left the chosen groups.")
    on_suspend: Removal = Field(default=Removal.DEACTIVATE, description="Who is suspended.")
    on_delete: Removal = Field(
        default=Removal.DEACTIVATE, description="Who no longer exists in JumpCloud."
    )
    on_staged: Removal = Field(
        default=Removal.DEACTIVATE, description="Who is staged; never created in any case."
    )
    on_locked: Removal = Field(default=Removal.KEEP, description="Who is locked out.")
    on_password_expired: Removal = Field(
        default=Removal.KEEP, description="Whose password has expired."
    )
    delete_after: Annotated[Duration | None, between("1s")] = Field(
        default=None, description="Delete accounts that jcsync deactivated so long ago."
    )
    protect: Texts = Field(
        default=(),
        description="userNames or ids that are never deactivated, deleted or patched.",
    )


class ScheduleSettings(Section):
    """When the daemon runs the connection: every so often, or by cron."""

    every: Annotated[Duration | None, between("1s", "366d")] = Field(
        default=300.0, description="From the start of a run to the start of the next."
    )
    cron: CronText | None = Field(
        default=None, description='In place of every, such as "*/5 * * * *".'
    )
    jitter: JitterField = Field(
        default=Jitter(percent=10.0),
        description="How far each start moves at random, a share of the interval or a duration: "
        "earlier with every, later with cron.",
    )
    full_every: Annotated[Duration, between("1s", "366d")] = Field(
        default=6 * 3600.0,
        description="How often everything is compared; the runs between are fast.",
    )
    window: WindowText | None = Field(
        default=None,
        description='When the daemon may start runs: "mon-fri 07:00-19:00", "sat,sun 22:00-06:00" '
        'past midnight, or every day "08:00-18:00".',
    )
    timezone: TimeZone = Field(default="UTC", description="Of cron and window.")

    @property
    def jitter_s(self) -> float:
        """How far a start may move, in seconds; beside cron a share is one of a minute."""
        return self.jitter.of(self.every or 60.0)

    @property
    def cron_fields(self) -> Cron | None:
        """The fields of ``cron``, days of the week by name, or ``None``."""
        return parse_cron(self.cron) if self.cron else None

    @property
    def opening(self) -> Window | None:
        """The window, ``None`` where runs may start at any time."""
        return parse_window(self.window) if self.window else None

    @model_validator(mode="after")
    def _cron_in_place_of_every(self) -> "ScheduleSettings":
        if self.cron is not None and "every" not in self.model_fields_set:
            object.__setattr__(self, "every", None)
        return self


class Connection(Section):
    """One directory, one platform, and how the one follows the other."""

    enabled: bool = Field(default=True, description="false: only commands that name it run it.")
    allow_insecure: bool = Field(
        default=False, description="Allow http to hosts other than this computer."
    )
    directory: DirectorySettings = Field(default_factory=DirectorySettings.model_construct)
    scope: ScopeSettings = Field(default_factory=ScopeSettings.model_construct)
    provider: ProviderSettings
    users: UsersSettings = Field(default_factory=UsersSettings.model_construct)
    groups: GroupsSettings = Field(default_factory=GroupsSettings.model_construct)
    policy: PolicySettings = Field(default_factory=PolicySettings.model_construct)
    limits: LimitsSettings = Field(default_factory=LimitsSettings.model_construct)
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings.model_construct)

    @model_validator(mode="before")
    @classmethod
    def _name_the_missing_url(cls, value: Any) -> Any:  # noqa: ANN401 # whatever the file holds
        """Without a provider at all, what is missing is the URL in it."""
        value = {} if value is None else value
        if isinstance(value, dict) and "provider" not in value:
            return {**value, "provider": None}
        return value
