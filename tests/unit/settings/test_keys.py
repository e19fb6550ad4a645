"""The list of keys, and what messages know of them."""

from jcsync.settings.keys import (
    Kind,
    all_keys,
    child_names,
    field_at,
    find_key,
    is_secret,
    model_at,
)


def test_there_is_no_key_whose_kind_is_unknown() -> None:
    kinds = {".".join(key.path): key.kind for key in all_keys()}

    assert kinds["connections"] is Kind.NAMED_SECTIONS
    assert kinds["connections.*.provider.token"] is Kind.SECRET
    assert kinds["connections.*.provider.proxy"] is Kind.SECRET
    assert kinds["store.url"] is Kind.SECRET
    assert kinds["connections.*.provider.base_url"] is Kind.TEXT
    assert kinds["connections.*.directory.insights"] is Kind.TEXT
    assert kinds["connections.*.policy.on_leave"] is Kind.TEXT
    assert kinds["connections.*.users.attributes"] is Kind.MAPPING
    assert kinds["connections.*.provider.quirks"] is Kind.MAPPING
    assert kinds["connections.*.scope.groups"] is Kind.LIST
    assert kinds["connections.*.limits.deactivate"] is Kind.SECTION
    assert kinds["connections.*.limits.deactivate.count"] is Kind.SCALAR
    assert kinds["connections.*.schedule.every"] is Kind.SCALAR


def test_keys_are_found_by_the_name_of_a_connection() -> None:
    key = find_key(("connections", "keepnet", "provider", "token"))

    assert key is not None
    assert key.path == ("connections", "*", "provider", "token")
    assert find_key(("connections", "keepnet", "tokn")) is None
    assert child_names(("log",)) == ("level", "format")
    assert child_names(("log", "level")) == ()


def test_secrets_are_known_wherever_they_are() -> None:
    """What is not known might be one."""
    assert is_secret(("connections", "x", "provider", "token"))
    assert is_secret(("notify", "urls"))
    assert is_secret(("notify", "urls", 0))
    assert is_secret(("connections", "x", "tokn"))
    assert is_secret(())
    assert not is_secret(("log", "level"))
    assert not is_secret(("connections", "x", "scope", "groups", 0))


def test_models_are_found_inside_lists_and_mappings() -> None:
    path = ("connections", "x", "users", "attributes", "title")
    model, clause = model_at(path), model_at(("connections", "x", "scope", "where", 0))

    assert model is not None
    assert model.__name__ == "AttributeSource"
    assert clause is not None
    assert clause.__name__ == "ClauseSettings"
    assert model_at(("nothing", "here")) is None
    assert field_at((*path, "from")) is not None
