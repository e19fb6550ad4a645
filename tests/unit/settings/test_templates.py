"""Templates are checked when settings are loaded."""

import subprocess
import sys

import pytest

from jcsync.model.directory import DirectoryUser
from jcsync.model.rules import MappingError
from jcsync.settings.templates import (
    check_group_template,
    check_user_template,
    compile_user_template,
    fields_of_user,
)

PARTS = ("phoneNumbers", "addresses")


@pytest.mark.parametrize(
    "source",
    [
        "plain text",
        "{{ user.firstname }} {{ user['lastname'] }}",
        "{{ user.attributes.anything }} {{ user.attributes['any thing'] }}",
        "{{ user.phoneNumbers.work_fax }}",
        "{{ user.addresses.home.country }} {{ user.addresses['x'].type }}",
        "{{ user.email.split('@')[0] | lower }}",
        "{% set name = user.firstname %}{{ name }}",
        "{{ range(3) | list }}",
        "{% set name = 'email' %}{{ user[name] }}",
        "{{ (user.email ~ '').x }}",
        "{{ first(user.displayname, user.username) | ascii('de') }}",
        "{{ user.phoneNumbers.work | phone(user.addresses.work.country) }}",
        "{{ user.phoneNumbers.work | phone('de', strict=true) }}",
        "{{ user.phoneNumbers.work | phone(*['DE']) | phone('') }}",
        "{{ user.firstname | first(user.lastname) }}{{ [user.email, 'x'] | first }}",
    ],
)
def test_templates_of_users(source: str) -> None:
    check_user_template(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "{{ user.fistname }}",
            'template line 1, column 9: unknown field "user.fistname"; did you mean "firstname"',
        ),
        (
            "a\n{{ user.email and user['emial'] }}",
            'template line 2, column 25: unknown field "user.emial"',
        ),
        (
            "{{ user.addresses.work.contry }}",
            'unknown field "user.addresses.work.contry"; did you mean "country"',
        ),
        (
            "{{ user.zzzzzzzz }}",
            'unknown field "user.zzzzzzzz"; allowed are id, _id, username, email',
        ),
        ("{{ usr.email }}", 'unknown name "usr"; did you mean "user"'),
        ("{{ email }}", 'unknown name "email"; did you mean "user.email"'),
        ("{{ user.email", "template line 1: unexpected end of template, expected }}"),
        ("{{ person.email }}", 'unknown name "person"; a template knows "user"'),
        (
            "{{ user.email | lowr }}",
            'line 1, column 17: unknown filter "lowr"; did you mean "lower"',
        ),
        ("{% if 0 %}{{ user.email | nofilter }}{% endif %}", 'unknown filter "nofilter"$'),
        ("{{ 1 if user.email is strin }}", 'unknown test "strin"; did you mean "string"'),
        ("{{ user.email | random }}", 'filter "random" is not available: each run would send'),
        ("{{ lipsum() }}", 'unknown name "lipsum"'),
        ("{{ frist(user.email) }}", 'unknown name "frist"; did you mean "first"'),
        ("{{ user.phoneNumbers[mobile] }}", "a name in brackets is written in quotes: ..mobile"),
        ("a\n{% include 'x' %}", "line 2, column 4: include is not available: a template stands"),
        ("{% from 'x' import y %}", "column 4: from is not available"),
        ("{% import 'x' as y %}", "column 4: import is not available"),
        ("{% extends 'x' %}", "column 4: extends is not available"),
        ("{{ user.email | phone('Narnia') }}", "unknown country 'Narnia'"),
        ("{{ user.email | phone(5) }}", "unknown country 5; write for example phone"),
        ("{{ user.email | phone('DE', 'yes') }}", "phone: strict is true or false"),
        ("{{ user.email | phone('DE', strikt=true) }}", "phone: got an unexpected keyword"),
        ("{{ user.email | language(1, 2) }}", "language: too many positional arguments"),
        ("{{ user.email | country(strict=0) }}", "country: strict is true or false"),
        ("{{ user.email | ascii('fr') }}", 'ascii: the one language with rules of its own is "de"'),
        ("{% frobnicate %}", "template line 1: Encountered unknown tag"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "not a template"),
    ],
)
def test_wrong_templates_of_users(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_user_template(source)


def test_templates_of_groups() -> None:
    check_group_template("{{ group.name }} {{ group.id }}")
    with pytest.raises(ValueError, match='did you mean "name"'):
        check_group_template("{{ group.nam }}")
    with pytest.raises(ValueError, match='a template knows "group"'):
        check_group_template("{{ user.email }}")


@pytest.mark.parametrize(
    "code",
    [
        "import jcsync.settings",
        "from jcsync.settings.templates import *; compile_user_template('{{ user.email }}')",
    ],
)
def test_libraries_are_loaded_when_they_are_needed(code: str) -> None:
    """Settings without templates, and templates without phones and countries, do not pay for them."""
    needed = "'jinja2'" if "templates" in code else "''"
    check = f"{code}\nimport sys; print({{'jinja2', 'babel', 'phonenumbers'}} & {{*sys.modules}} - {{{needed}}})"

    done = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True)

    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ user.nobody[:1] }}", "the template fails in line 1 of {{ user.nobody"),
        ("a\n{{ 1 / 0 }}", "the template fails in line 2 of a {{ 1 / 0 }}: division by zero"),
        ("{{ user[5] }}", "unknown field 5"),
        ("{{ user[user] }}", "unknown field"),
        (
            "{{ user.phoneNumbers.work | phone('DE', strict=true) }}",
            "fails in line 1 of {{ user.phoneNumbers.work | phone('DE',…: phone: not a phone number",
        ),
    ],
)
def test_a_failing_template_names_itself_its_line_and_the_reason(
    template: str, expected: str
) -> None:
    """The rule adds the attribute, the plan the person."""
    render = compile_user_template(template)

    with pytest.raises(MappingError) as caught:
        render(DirectoryUser(id="5f0c", phoneNumbers={"work": "ask Ann"}))

    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("plain text", set()),
        ("{{ user.firstname }} {{ user['lastname'] }}", {"firstname", "lastname"}),
        ("{% if user.company %}{{ user.company }}{% endif %}", {"company"}),
        (
            "{{ user.email if user.state == 'x' else user.username }}",
            {"email", "state", "username"},
        ),
        ("{{ user.phoneNumbers.work | phone(user.addresses.work.country) }}", {*PARTS}),
        ("{{ user.attributes['any thing'] }}{{ user.attributes.x }}", {"attributes"}),
        ("{{ first(user.displayname, user.username) }}", {"displayname", "username"}),
        ("{% for key in user.attributes %}{{ key }}{% endfor %}", {"attributes"}),
        ("{% set name = user.firstname %}{{ name }}", {"firstname"}),
        ("{% set name = 'email' %}{{ user[name] }}", None),
        ("{% set person = user %}{{ person.email }}", None),
        ("{% for person in [user] %}{{ person.email }}{{ user.email }}{% endfor %}", None),
        ("{{ user }}", None),
    ],
)
def test_fields_that_a_template_can_look_at(source: str, fields: set[str] | None) -> None:
    """Those that it names; any, where it passes the user on or makes names up."""
    assert fields_of_user(source) == fields
