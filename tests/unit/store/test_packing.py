"""JSON values packed small."""

from hypothesis import given
from hypothesis import strategies as st

from jcsync.store.packing import pack_json, unpack_json

PACKED = "8bc6144acccbc37005167fc60200"
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)


@given(ANYTHING)
def test_what_is_packed_comes_back(value: object) -> None:
    """Whatever it is, lone surrogates among it."""
    assert unpack_json(pack_json(value)) == value
    assert unpack_json(pack_json(["\ud800"])) == ["\ud800"]


def test_attributes_take_a_fifth_of_their_text() -> None:
    """What most changes hold is what the dictionary knows."""
    attributes = [
        ["userName", None, "ann.lee@example.com"],
        ["name.givenName", None, "Ann"],
        ["name.familyName", None, "Lee"],
        ["displayName", None, "Ann Lee"],
        ['emails[type eq "work"].value', None, "ann.lee@example.com"],
        [
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            None,
            "Engineering",
        ],
    ]

    assert len(pack_json(attributes)) < len(str(attributes)) / 4
    assert pack_json([]) == b""


def test_the_format_stays() -> None:
    """What an older version packed is read by the next: these bytes are in people's stores."""
    packed = bytes.fromhex(PACKED)

    assert unpack_json(packed) == [["userName", None, "ann@example.com"], ["active", True, False]]
