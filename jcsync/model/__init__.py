"""The nouns of jcsync: frozen dataclasses, standard library only.

directory.py   what JumpCloud says, in its own words
path.py        SCIM attribute paths
resource.py    SCIM users and groups, reduced to what jcsync manages
rules.py       settings that decide: scope, mapping, policy
plan.py        what a run would change, and its digest
limits.py      how much a run may change unattended
report.py      what a run found, did and failed to do
"""
