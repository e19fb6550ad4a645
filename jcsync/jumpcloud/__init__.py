"""JumpCloud, the directory: meets ``ports.Directory``; reads, never writes.

auth.py      the credentials: API key, or service account
wire.py      JumpCloud JSON → users, groups and graph rows      pure
listing.py   pages → one listing, with the proof that it is complete
client.py    the calls
insights.py  the event log: who may have changed
"""
