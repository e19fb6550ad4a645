"""Simple templates are rendered without Jinja2, and give the same."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from jcsync.model.directory import TEXT_FIELDS, DirectoryUser
from jcsync.model.rules import MappingError
from jcsync.settings.plain import compile_plain
from jcsync.settings.templates import MAX_OUTPUT, compile_user_template

JINJA = Environment(autoescape=True)
PLAIN = [
    "",
    "plain text\n",
    " {{ user.id }} ",
    "{{ user.firstname }} {{ user.lastname }}",
    "{{ first(user.displayname, user.firstname ~ ' ' ~ user.lastname, user.username) }}",
    "{{ first() }}{{ first(first(user.jobTitle), '-') }}\n{# nothing #}\n",
    "{{ 'a' ~ user.email ~ ('b' ~ user.company) }}",
]
USERS = st.fixed_dictionaries(
    {"id": st.text(max_size=3)},
    optional={
        name: st.sampled_from(["", " ", "x", "<b>", "{{ user.id }}"]) for name in TEXT_FIELDS
    },
)


@pytest.mark.parametrize("source", PLAIN)
@given(fields=USERS)
def test_it_is_what_jinja2_gives(source: str, fields: Mapping[str, str]) -> None:
    """The same template, with a condition that always holds, is nothing for the simple way."""
    user = DirectoryUser(**fields)
    assert compile_plain(JINJA.parse(source)) is not None

    plain, full = (
        compile_user_template(text)(user)
        for text in (source, "{% if true %}" + source.removesuffix("\n") + "{% endif %}")
    )

    assert plain == full


def test_it_is_bounded_likewise() -> None:
    """A field may hold anything, and a platform takes little."""
    render = compile_user_template("{{ user.description ~ user.description }}")

    assert len(render(DirectoryUser(id="1", description="x" * (MAX_OUTPUT // 2)))) == MAX_OUTPUT
    with pytest.raises(MappingError, match="more than 10000 characters"):
        render(DirectoryUser(id="1", description="x" * (MAX_OUTPUT // 2 + 1)))


@pytest.mark.parametrize(
    "source",
    [
        "{{ user.email | upper }}",
        "{{ user.email.lower() }}",
        "{{ first(*user.email) }}{{ first(user.email, x=1) if false }}",
        "{{ user.state }}",
        "{{ user.attributes.email }}",
        "{% set email = 'x' %}{{ first(email, user.email) }}",
        "{{ 1 ~ user.email }}",
    ],
)
def test_anything_else_is_left_to_jinja2(source: str) -> None:
    """Filters, calls, other fields and names of its own: what is not known is not guessed."""
    assert compile_plain(JINJA.parse(source)) is None
