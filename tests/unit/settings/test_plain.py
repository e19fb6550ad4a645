"""Simple templates are rendered without Jinja2, and give the same."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jcsync.model.directory import TEXT_FIELDS, DirectoryUser
from jcsync.model.rules import MappingError
from jcsync.settings.plain import MAX_OUTPUT, read_plain
from jcsync.settings.templates import check_user_template, compile_user_template, fields_of_user

PLAIN = [
    " {{ user.id }} ",
    "{{ user.firstname }} {{user.lastname}}\n",
    "{{ first(user.displayname, user.firstname ~ ' ' ~ user.lastname, user.username) }}",
    "{{ first() }}{ {{ first ( first(user.jobTitle),'-' )}}}}{ \n }\n\n",
    """{{ 'ä{{ {% user.id' ~ user.email ~ ("b'" ~ user.company) }}""",
    "{{ ((user.id)) ~ (('')) }}{{\n'\n'\t}}#}",
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
    """Each is read without Jinja2, names the same fields, and writes the same."""
    user = DirectoryUser(**fields)
    plain = read_plain(source)
    check_user_template(source)

    assert plain is not None
    assert plain.fields == fields_of_user(source)
    assert plain.render(user) == compile_user_template(source)(user)


WORDS = ["user.id", "user.email", "user.nobody", "user", "first", "'", "'a'", '"b"', "user.email.x"]
SIGNS = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{",
    "}",
    "(",
    ")",
    ",",
    "~",
    "-",
    "|",
    "\\",
    " ",
    "\n",
]


@given(st.lists(st.sampled_from([*WORDS, *SIGNS, "first(", " ~ "]), max_size=8), st.booleans())
def test_it_reads_nothing_that_jinja2_refuses_or_reads_otherwise(
    pieces: list[str], inside: bool
) -> None:
    """Whatever is put together of what templates consist of."""
    text = "".join(pieces)
    source = "{{ user.id ~ " + text + "}}" if inside else text + "{{ user.id }}"
    plain = read_plain(source)
    if plain is not None:
        user = DirectoryUser(id="1", email="a@example.com")
        check_user_template(source)
        assert plain.fields == fields_of_user(source)
        assert plain.render(user) == compile_user_template(source)(user)


def test_it_is_bounded_likewise() -> None:
    """A field may hold anything, and a platform takes little."""
    plain = read_plain("{{ user.description ~ user.description }}")

    assert plain is not None
    assert len(plain.render(DirectoryUser(id="1", description="x" * 5000))) == MAX_OUTPUT
    with pytest.raises(MappingError, match="more than 10000 characters"):
        plain.render(DirectoryUser(id="1", description="x" * 5001))


@pytest.mark.parametrize(
    "source",
    [
        "",
        "user.email",
        "{{ user.email }}{# nothing #}",
        "{{ user.email | upper }}",
        "{{- user.email }}",
        "{{ user.email.lower() }}",
        "{{ user.nobody }}",
        "{{ user.email user.id }}",
        "{{ user.email ~ }}",
        "{{ first(user.email }}",
        "{{ 'a\\tb' ~ user.email }}",
        "{{ '\r\n' ~ user.email }}",
        "{{ first(*user.email) }}{{ first(user.email, x=1) if false }}",
        "{{ user.state }}",
        "{{ user.attributes.email }}",
        "{% set email = 'x' %}{{ first(email, user.email) }}",
        "{{ 1 ~ user.email }}",
        "{{ " + "(" * 5000 + "user.email" + ")" * 5000 + " }}",
    ],
)
def test_anything_else_is_left_to_jinja2(source: str) -> None:
    """Filters, calls, other fields and names of its own: what is not known is not guessed."""
    assert read_plain(source) is None
