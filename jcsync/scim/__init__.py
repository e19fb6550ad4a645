"""The SCIM 2.0 service provider: meets ``ports.ServiceProvider``.

profiles/    how kinds of service provider deviate, as data
wire.py      SCIM JSON → accounts and groups, and back          pure
patch.py     attribute changes → PATCH operations               pure
listing.py   pages → one listing, with the proof that it is complete
client.py    the calls
"""
