"""Facts that ``check`` has learnt → the profile that a run goes by. Pure.

A switch that the configuration sets stays. Beyond that, a fact makes a run more careful or saves
it a request that would be in vain; none lets it skip a proof, so a fact that is wrong, or is not
true any more, costs requests and never an account.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from jcsync.model.facts import Facts
from jcsync.scim.profiles import Profile


def adapted(profile: Profile, facts: Facts) -> Profile:
    """Return a profile with what was learnt where the configuration says nothing."""
    learnt: dict[str, Any] = {}
    if facts.needs_cursor and profile.paging == "auto":
        learnt["paging"] = "cursor"
    size = facts.page_size or facts.most_results
    if 0 < size < profile.page_size:
        learnt["page_size"] = size
    kept = tuple(name for name in profile.filters if facts.filters.get(name, True))
    if kept != profile.filters:
        learnt["filters"] = kept
    if facts.members == "group" and profile.members_read == "groups":
        learnt["members_read"] = "each"
    return replace(profile, **{k: v for k, v in learnt.items() if k not in profile.pinned})


def differences(profile: Profile, other: Profile) -> Mapping[str, object]:
    """Return the switches of ``other`` that differ, by name."""
    names = [field.name for field in fields(Profile)]
    return {n: getattr(other, n) for n in names if getattr(other, n) != getattr(profile, n)}
