"""The settings of one connection: directory, scope, platform, mapping, policy, limits, schedule."""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    SecretStr,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from jcsync.model.rules import GroupRemoval, Operator, Removal
from jcsync.settings.fields import (
    Constant,
    CronText,
    Duration,
    FieldName,
    GroupTemplate,
    JitterField,
    Number,
    OptionalText,
    OrgId,
    Pattern,
    ProxyUrl,
    Quirks,
    Section,
    Text,
    Texts,
    TimeZone,
    Url,
    UserTemplate,
    Whole,
    WindowText,
    between,
)
from jcsync.settings.times import Jitter

DEFAULT_GROUP_NAME = "{{ group.name }}"
ORIGINS = ("from", "template", "value", "reference")


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
    insights: Literal["auto", "on", "off"] = Field(default="auto", description="The change feed.")


class ClauseSettings(Section):
    """One condition on a JumpCloud field: the attribute and exactly one operator."""

    attribute: FieldName = Field(description="A JumpCloud field.")
    equals: Text | None = Field(default=None, description="Is exactly this.")
    not_equals: Text | None = Field(default=None, description="Is anything but this, or unset.")
    in_: tuple[Text, ...] | None = Field(
        default=None, alias="in", min_length=1, description="Is one of these."
    )
    not_in: tuple[Text, ...] | None = Field(
        default=None, min_length=1, description="Is none of these, or unset."
    )
    matches: Pattern | None = Field(default=None, description="Matches this regular expression.")
    exists: bool | None = Field(default=None, description="Is set (true) or not (false).")

    @model_validator(mode="after")
    def _one_operator(self) -> "ClauseSettings":
        if len(self.operands) != 1:
            message = f"must name an attribute and exactly one of {', '.join(Operator)}"
            raise ValueError(message)
        return self

    @property
    def operands(self) -> dict[Operator, object]:
        """The operands that are given, by operator."""
        values = {op: getattr(self, "in_" if op is Operator.IN else op.value) for op in Operator}
        return {op: value for op, value in values.items() if value is not None}


Where = Annotated[
    tuple[ClauseSettings, ...], BeforeValidator(lambda value: [] if value is None else value)
]


class GroupEntry(Section):
    """A group of the scope: its name or id, or a mapping that narrows it by conditions."""

    name: Text = Field(description="Name or id of the group.")
    where: Where = Field(default=(), description="Conditions on its members, all must hold.")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return value if isinstance(value, dict | GroupEntry) else {"name": value}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the short form too."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core_schema))]}


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
        default="rfc", description="How the platform deviates from the RFCs: rfc, keepnet."
    )
    quirks: Quirks = Field(default={}, description="Single switches over those of the profile.")
    concurrency: Whole = Field(default=8, ge=1, le=64, description="Requests at the same time.")
    requests_per_second: Number | None = Field(
        default=None, gt=0, le=1000, description="A hard ceiling; without it the rate adapts."
    )
    timeout_s: Number = Field(default=30.0, ge=1, le=600, description="Seconds for one request.")
    ca_file: OptionalText = Field(
        default=None, description="Certificate authorities to trust, as PEM, in place of the usual."
    )
    proxy: ProxyUrl | None = Field(default=None, description="Proxy for requests to the platform.")


class AttributeSource(Section):
    """Where the value of an attribute comes from; the short form is a JumpCloud field."""

    from_: FieldName | None = Field(default=None, alias="from", description="A JumpCloud field.")
    template: UserTemplate | None = Field(
        default=None, description='Jinja2, such as "{{ user.firstname }} {{ user.lastname }}".'
    )
    value: Constant = Field(default=None, description="A constant.")
    reference: Text | None = Field(
        default=None, description="A JumpCloud field with the id of another user: manager."
    )
    default: Constant = Field(default=None, description="Taken where the source is empty.")
    when: Literal["create", "always"] = Field(
        default="always", description="create: sent with a new account only."
    )
    clear: bool = Field(
        default=False,
        description="Remove the platform's value when the source is empty, not leave it.",
    )
    max_length: Whole | None = Field(
        default=None, ge=1, description="Longer text is cut to so many characters."
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"from": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> "AttributeSource":
        origins = [self.from_, self.template, self.value, self.reference]
        if sum(origin is not None for origin in origins) != 1:
            message = f"must have exactly one of {', '.join(ORIGINS)}"
            raise ValueError(message)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the short form too."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core_schema))]}


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
    delete_after: Annotated[Duration | None, between("1d")] = Field(
        default=None, description="Delete accounts that jcsync deactivated so long ago."
    )
    protect: Texts = Field(
        default=(),
        description="userNames or ids that are never deactivated, deleted or patched.",
    )


class CountLimit(Section):
    """A ceiling in numbers; null switches it off."""

    count: Whole | None = Field(default=None, ge=0, description="So many in one run.")


class ShareLimit(CountLimit):
    """A ceiling as a number and as a share; the smaller one counts, null switches one off."""

    percent: Number | None = Field(default=None, ge=0, le=100, description="This share in one run.")


class DeactivateLimit(ShareLimit):
    """Accounts that lose access; percent of the managed, active accounts."""

    count: Whole | None = Field(default=50, ge=0, description="Accounts.")
    percent: Number | None = Field(
        default=10.0, ge=0, le=100, description="Of the managed, active accounts."
    )


class DeleteLimit(ShareLimit):
    """Accounts that are deleted; percent of the managed accounts."""

    count: Whole | None = Field(default=10, ge=0, description="Accounts.")
    percent: Number | None = Field(
        default=5.0, ge=0, le=100, description="Of the managed accounts."
    )


class RemoveMembersLimit(ShareLimit):
    """Members that one group loses; percent of its members."""

    count: Whole | None = Field(default=200, ge=0, description="Members of one group.")
    percent: Number | None = Field(default=20.0, ge=0, le=100, description="Of its members.")


class DeleteGroupsLimit(ShareLimit):
    """Groups that are deleted; percent of the managed groups."""

    count: Whole | None = Field(default=3, ge=0, description="Groups.")
    percent: Number | None = Field(default=10.0, ge=0, le=100, description="Of the managed groups.")


class PatchLimit(ShareLimit):
    """Accounts that are rewritten; percent of the managed accounts."""

    count: Whole | None = Field(default=None, ge=0, description="Accounts.")
    percent: Number | None = Field(
        default=50.0, ge=0, le=100, description="Of the managed accounts."
    )


class LimitsSettings(Section):
    """What a run may change unattended; a plan beyond one of them is held for a decision."""

    deactivate: DeactivateLimit = Field(
        default_factory=DeactivateLimit,
        description="Accounts that lose access; one change always passes.",
    )
    delete: DeleteLimit = Field(default_factory=DeleteLimit, description="Accounts deleted.")
    remove_members: RemoveMembersLimit = Field(
        default_factory=RemoveMembersLimit, description="Members that one group loses."
    )
    delete_groups: DeleteGroupsLimit = Field(
        default_factory=DeleteGroupsLimit, description="Groups deleted."
    )
    patch: PatchLimit = Field(default_factory=PatchLimit, description="Accounts rewritten.")
    create: CountLimit = Field(default_factory=CountLimit, description="Accounts created.")
    accounts: CountLimit = Field(
        default_factory=CountLimit, description="Licences: active accounts after the run."
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_ambiguous(cls, value: object) -> object:
        for name, limit in value.items() if isinstance(value, dict) else ():
            if limit is None and name in cls.model_fields:
                keys = "count: null, percent: null" if name not in _COUNTED else "count: null"
                message = f"{name}: write {{{keys}}} to switch it off, or remove the line"
                raise ValueError(message)
        return value


_COUNTED = frozenset({"create", "accounts"})


class ScheduleSettings(Section):
    """When the daemon runs the connection: every so often, or by cron."""

    every: Annotated[Duration | None, between("10s", "366d")] = Field(
        default=300.0, description="From the start of a run to the start of the next."
    )
    cron: CronText | None = Field(
        default=None, description='In place of every, such as "*/5 * * * *".'
    )
    jitter: JitterField = Field(
        default=Jitter(percent=10.0),
        description="Random delay of each start, a share of the interval or a duration.",
    )
    full_every: Annotated[Duration, between("10s", "366d")] = Field(
        default=6 * 3600.0,
        description="How often everything is compared; in this version every run does.",
    )
    window: WindowText | None = Field(
        default=None, description='When runs may start, such as "mon-fri 07:00-19:00".'
    )
    timezone: TimeZone = Field(default="UTC", description="Of cron and window.")

    @model_validator(mode="after")
    def _cron_in_place_of_every(self) -> "ScheduleSettings":
        if self.cron is not None and "every" not in self.model_fields_set:
            object.__setattr__(self, "every", None)
        return self


class Connection(Section):
    """One directory, one platform, and how the one follows the other."""

    enabled: bool = Field(default=True, description="false: no command and no daemon runs it.")
    allow_insecure: bool = Field(
        default=False, description="Allow http to hosts other than this computer."
    )
    directory: DirectorySettings = Field(default_factory=DirectorySettings)
    scope: ScopeSettings = Field(default_factory=ScopeSettings)
    provider: ProviderSettings
    users: UsersSettings = Field(default_factory=UsersSettings)
    groups: GroupsSettings = Field(default_factory=GroupsSettings)
    policy: PolicySettings = Field(default_factory=PolicySettings)
    limits: LimitsSettings = Field(default_factory=LimitsSettings)
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings)

    @model_validator(mode="before")
    @classmethod
    def _name_the_missing_url(cls, value: Any) -> Any:  # noqa: ANN401 # whatever the file holds
        """Without a provider at all, what is missing is the URL in it."""
        if isinstance(value, dict) and "provider" not in value:
            return {**value, "provider": None}
        return value
