"""Templates are checked when settings are loaded."""

import subprocess
import sys

import pytest

from jcsync.settings.templates import check_group_template, check_user_template


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
    ],
)
def test_templates_of_users(source: str) -> None:
    check_user_template(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "{{ user.fistname }}",
            'template line 1: unknown field "user.fistname"; did you mean "firstname"',
        ),
        ("a\n{{ user.email and user['emial'] }}", 'template line 2: unknown field "user.emial"'),
        (
            "{{ user.addresses.work.contry }}",
            'unknown field "user.addresses.work.contry"; did you mean "country"',
        ),
        ("{{ user.zzzzzzzz }}", 'unknown field "user.zzzzzzzz"$'),
        ("{{ usr.email }}", 'unknown name "usr"; did you mean "user"'),
        ("{{ email }}", 'unknown name "email"; a template knows "user"'),
        ("{{ user.email", "template line 1: unexpected end of template"),
        ("{{ user.email | nofilter }}", "template line 1: No filter named 'nofilter'"),
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


def test_jinja_is_loaded_for_templates_only() -> None:
    """Reading settings without templates does not pay for them."""
    code = "import jcsync.settings, sys; sys.exit('jinja2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
