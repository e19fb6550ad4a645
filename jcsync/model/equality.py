"""When two values of a SCIM attribute are the same. Pure."""

from jcsync.model.resource import Value


def is_equal(path: str, one: Value, other: Value) -> bool:
    """Compare two values of an attribute as SCIM does.

    Unassigned and empty are the same; ``userName`` and e-mail addresses ignore case; booleans
    and numbers that a provider returns as text are what they say.

    Source:
        RFC 7643, sections 2.2, 2.5 and 4.1.
    """
    if type(one) is type(other) and one == other:
        return True
    if _is_empty(one) or _is_empty(other):
        return _is_empty(one) and _is_empty(other)
    first, second = _text(one), _text(other)
    folded = path.casefold()
    if folded == "username" or folded.startswith("emails"):
        return first.casefold() == second.casefold()
    if isinstance(one, bool) or isinstance(other, bool):
        return first.casefold() == second.casefold()
    return first == second


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _is_empty(value: Value) -> bool:
    return value is None or value == ""
