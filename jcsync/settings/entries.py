"""Settings that have a short form: attributes, groups of the scope, and their conditions."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from jcsync.model.directory import is_field
from jcsync.model.rules import Operator
from jcsync.settings.fields import Constant, FieldName, Pattern, Section, Text, UserTemplate, Whole
from jcsync.settings.problems import shorten

ORIGINS = ("from", "template", "value", "reference")


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

    @model_validator(mode="before")
    @classmethod
    def _no_short_form(cls, value: object) -> object:
        if isinstance(value, dict) and len(value) == 1 and is_field(str(next(iter(value)))):
            ((name, wanted),) = value.items()
            several = isinstance(wanted, list)
            operand = ", ".join(map(str, wanted)) if several else shorten(wanted)
            example = f"in: [{shorten(operand)}]" if several else f"equals: {operand}"
            message = f"has no short form; write {{attribute: {name}, {example}}}"
            raise ValueError(message)
        return value

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


class AttributeSource(Section):
    """Where the value of an attribute comes from; the short form is a JumpCloud field."""

    from_: FieldName | None = Field(default=None, alias="from", description="A JumpCloud field.")
    template: UserTemplate | None = Field(
        default=None, description='Jinja2, such as "{{ user.firstname }} {{ user.lastname }}".'
    )
    value: Constant = Field(default=None, description="A constant.")
    reference: FieldName | None = Field(
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
        if isinstance(value, str) and "{{" in value:
            message = 'is a template, which has no short form; write {template: "{{ … }}"}'
            raise ValueError(message)
        return {"from": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> "AttributeSource":
        origins = [self.from_, self.template, self.value, self.reference]
        if sum(origin is not None for origin in origins) != 1:
            message = f"must have exactly one of {', '.join(ORIGINS)}"
            raise ValueError(message)
        if self.reference and (self.default is not None or self.max_length is not None):
            message = "a reference is an id of the platform: it takes no default and no max_length"
            raise ValueError(message)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the short form too."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core_schema))]}
