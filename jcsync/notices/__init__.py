"""Notices: who is told what happened, once, and that it is over.

    events.py      a run and what was told before → what is worth telling           pure
    digest.py      the history → a summary of days or weeks
    addresses.py   Apprise URLs: whether they can be used, and sending to them
    tell.py        after each run: events, digest and the dead man's switch

What was told is in the store, so that neither a restart nor a run from cron tells it again. That
somebody cannot be told never harms a run.
"""

from jcsync.notices.addresses import Sent, check_addresses, send
from jcsync.notices.tell import Notices

__all__ = ["Notices", "Sent", "check_addresses", "send"]
