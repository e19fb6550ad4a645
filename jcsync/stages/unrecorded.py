"""Links that no run could record: it was killed, or lost the answer, after the platform had obeyed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from jcsync.model.directory import is_object_id
from jcsync.model.resource import GroupResource, Kind, Link, ProviderState, UserResource
from jcsync.ports import Store


def recall_unrecorded(
    store: Store,
    connection: str,
    actual: ProviderState,
    links: Iterable[Link],
    wanted: Mapping[Kind, AbstractSet[str]],
) -> tuple[Link, ...]:
    """Return the links of accounts and groups that jcsync made, or adopted, without knowing it.

    They carry a JumpCloud id that is linked to nothing, and the newest change that the history has
    of this id may have been made. Of whoever is wanted now, the next match by ``externalId`` finds
    it; so this is about those who have left since.

    Args:
        store: Asked only where something carries such an id.
        connection: Whose history.
        actual: The platform.
        links: Those of the store.
        wanted: JumpCloud ids of those who are in scope.
    """
    taken = {(link.kind, link.external_id) for link in links}
    found = []
    resources: Sequence[UserResource | GroupResource]
    for kind, resources in ((Kind.USER, actual.users), (Kind.GROUP, actual.groups)):
        strange = [
            resource
            for resource in resources
            if is_object_id(resource.external_id)
            and resource.external_id not in wanted[kind]
            and (kind, resource.external_id) not in taken
        ]
        if not strange:
            continue
        carriers = Counter(resource.external_id for resource in strange)
        ours = store.unconfirmed(connection, kind, carriers)
        found += [
            Link(
                kind=kind,
                external_id=resource.external_id,
                resource_id=resource.resource_id,
                name=_name(resource),
            )
            for resource in strange
            if resource.external_id in ours and carriers[resource.external_id] == 1
        ]
    return tuple(found)


def _name(resource: UserResource | GroupResource) -> str:
    return resource.user_name if isinstance(resource, UserResource) else resource.display_name
