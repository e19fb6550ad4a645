"""In what the fast platform deviates from the RFCs, one switch each, off by default.

Source:
    Published references of AWS IAM Identity Center, Slack, GitHub and Salesforce, and what users
    of their SCIM interfaces report; RFC 9865 (cursors); RFC 7644, section 3.14 (versions).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviations:
    """What a platform does otherwise.

    Attributes:
        cursors: Lists are read by cursor; ``only``: a request by index is refused.
        hide_members: Groups are shown without members.
        unlisted_members: Members are shown of a group that is read by itself, not in lists.
        no_paging: Lists hold everything, whatever ``startIndex`` and ``count`` say.
        no_put: PUT is 405 for these end points.
        no_patch: PATCH is 405.
        no_filtered_paths: A path with a filter is 400 ``invalidPath``.
        no_paths: An operation with a path other than for a removal is 400.
        no_delete: DELETE of users is 405.
        immutable_names: A change of ``userName`` is 400 ``mutability``.
        ignored: Attributes that are dropped without a word, by PATCH.
        dropped: Attributes that are dropped without a word, by whatever way.
        echoed: Attributes that are ignored by PATCH, and shown in its answer as they were sent.
        quiet: A PATCH is answered 204.
        removals: What a removal of members does: ``exact``, ``all`` of them, ``nothing``.
        one_value: Multi-valued attributes take one value, others are 400.
        minimal_members: Members with more than ``value`` are 400.
        json_only: Another media type than ``application/json`` is 415.
        versions: Resources have ``meta.version``, and a change without it in ``If-Match`` is 412.
        config: Name of the end point that describes the provider.
    """

    cursors: str = "no"
    hide_members: bool = False
    unlisted_members: bool = False
    no_paging: bool = False
    no_put: frozenset[str] = frozenset()
    no_patch: bool = False
    no_filtered_paths: bool = False
    no_paths: bool = False
    no_delete: bool = False
    immutable_names: bool = False
    ignored: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    echoed: frozenset[str] = frozenset()
    quiet: bool = False
    removals: str = "exact"
    one_value: bool = False
    minimal_members: bool = False
    json_only: bool = False
    versions: bool = False
    config: str = "ServiceProviderConfig"


AWS = Deviations(
    cursors="yes",
    hide_members=True,
    no_put=frozenset({"Groups"}),
    immutable_names=True,
    one_value=True,
)
SLACK = Deviations(
    no_filtered_paths=True, minimal_members=True, quiet=True, config="ServiceProviderConfigs"
)
GITHUB = Deviations(no_filtered_paths=True, no_put=frozenset({"Groups"}), json_only=True)
SALESFORCE = Deviations(
    no_paths=True, no_delete=True, minimal_members=True, config="ServiceProviderConfigs"
)
