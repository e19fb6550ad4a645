"""The settings of limits: what one run may change unattended."""

from pydantic import Field, model_validator

from jcsync.settings.fields import Number, Section, Whole


class CountLimit(Section):
    """A ceiling in numbers; null switches it off."""

    count: Whole | None = Field(default=None, ge=0, description="So many in one run.")


class ShareLimit(CountLimit):
    """A ceiling as a number and as a share; the smaller one counts, null switches one off."""

    percent: Number | None = Field(default=None, ge=0, le=100, description="This share in one run.")


class DeactivateLimit(ShareLimit):
    """Accounts that lose access; percent of the managed, active accounts."""

    count: Whole | None = Field(default=50, ge=0, description="Accounts that lose access.")
    percent: Number | None = Field(
        default=10.0, ge=0, le=100, description="Of the managed, active accounts."
    )


class DeleteLimit(ShareLimit):
    """Accounts that are deleted; percent of the managed accounts."""

    count: Whole | None = Field(default=10, ge=0, description="Accounts deleted.")
    percent: Number | None = Field(
        default=5.0, ge=0, le=100, description="Of the managed accounts."
    )


class RemoveMembersLimit(ShareLimit):
    """Members that one group loses; percent of its members."""

    count: Whole | None = Field(default=200, ge=0, description="Members that one group loses.")
    percent: Number | None = Field(default=20.0, ge=0, le=100, description="Of its members.")


class DeleteGroupsLimit(ShareLimit):
    """Groups that are deleted; percent of the managed groups."""

    count: Whole | None = Field(default=3, ge=0, description="Groups deleted.")
    percent: Number | None = Field(default=10.0, ge=0, le=100, description="Of the managed groups.")


class PatchLimit(ShareLimit):
    """Accounts that are rewritten; percent of the managed accounts."""

    count: Whole | None = Field(default=None, ge=0, description="Accounts rewritten.")
    percent: Number | None = Field(
        default=50.0, ge=0, le=100, description="Of the managed accounts."
    )


class CreateLimit(CountLimit):
    """Accounts that are created."""

    count: Whole | None = Field(default=None, ge=0, description="Accounts created.")


class AccountsLimit(CountLimit):
    """Licences: active accounts on the platform after the run."""

    count: Whole | None = Field(
        default=None, ge=0, description="Licences: active accounts on the platform after the run."
    )


class LimitsSettings(Section):
    """What a run may change unattended; a plan beyond one of them is held for a decision."""

    deactivate: DeactivateLimit = Field(
        default_factory=DeactivateLimit.model_construct,
        description="Accounts that lose access; one change always passes.",
    )
    delete: DeleteLimit = Field(
        default_factory=DeleteLimit.model_construct, description="Accounts deleted."
    )
    remove_members: RemoveMembersLimit = Field(
        default_factory=RemoveMembersLimit.model_construct,
        description="Members that one group loses.",
    )
    delete_groups: DeleteGroupsLimit = Field(
        default_factory=DeleteGroupsLimit.model_construct, description="Groups deleted."
    )
    patch: PatchLimit = Field(
        default_factory=PatchLimit.model_construct, description="Accounts rewritten."
    )
    create: CreateLimit = Field(
        default_factory=CreateLimit.model_construct, description="Accounts created."
    )
    accounts: AccountsLimit = Field(
        default_factory=AccountsLimit.model_construct,
        description="Licences: active accounts after the run.",
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
