"""Read both sides at once, with the proof that they are complete."""

from collections.abc import Iterable
from dataclasses import replace

from jcsync.errors import JcsyncError
from jcsync.model.directory import DirectoryState
from jcsync.model.resource import DesiredUser, Link, ProviderState
from jcsync.model.rules import Scope
from jcsync.model.text import shared_texts
from jcsync.ports import Directory, ServiceProvider
from jcsync.threads import Pool

_LOOK_UPS = 8


def fetch_both(
    directory: Directory, provider: ServiceProvider, scope: Scope, *, groups: bool
) -> tuple[DirectoryState, ProviderState]:
    """Read the directory's scope and everything that the platform holds, at the same time.

    Args:
        directory: JumpCloud.
        provider: The platform.
        scope: What to read of the directory.
        groups: Whether the platform's groups are read.

    Raises:
        JcsyncError: A side could not be read at all; the directory's error goes first.
    """
    with shared_texts(), Pool(max_workers=1) as pool:
        pending = pool.submit(provider.fetch_state, groups=groups)
        try:
            desired = directory.fetch_state(scope)
        except JcsyncError:
            pending.cancel()
            raise
        return desired, pending.result()


def fetch_missing(
    provider: ServiceProvider,
    actual: ProviderState,
    missing: Iterable[DesiredUser],
    links: Iterable[Link],
) -> ProviderState:
    """Look up, one by one, those whom an incomplete list of accounts does not show.

    A listing that may leave accounts out is no reason to create one; a look-up by the ``id`` of
    the link, or else by ``externalId`` and ``userName``, is.

    Returns:
        ``actual`` with the accounts that were found, each once.
    """

    def find(user: DesiredUser) -> tuple[str, ...]:
        linked = provider.fetch_user(known[user.external_id]) if user.external_id in known else None
        found = (
            (linked,)
            if linked is not None
            else provider.find_users(external_id=user.external_id, user_name=user.user_name)
        )
        accounts.update((account.resource_id, account) for account in found)
        return ()

    known = {link.external_id: link.resource_id for link in links}
    accounts = {account.resource_id: account for account in actual.users}
    with Pool(max_workers=_LOOK_UPS) as pool:
        list(pool.map(find, missing))
    return replace(actual, users=tuple(accounts.values()))


def fetch_active(provider: ServiceProvider) -> int:
    """Count the active accounts of the platform, ours or not: what a licence is about."""
    return sum(account.active for account in provider.fetch_state(groups=False).users)
