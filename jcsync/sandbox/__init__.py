"""An embedded JumpCloud and an embedded SCIM platform, for the demo, tests and benchmarks.

world.py             both at once, with a configuration that points at them; start here
jumpcloud.py         JumpCloud as a WSGI application: keys, tokens, organisations, routes
  directory.py       what one organisation holds, and how people change it
  graph.py           who is bound to what
  records.py         people, groups and applications as the API spells them
  query.py           paging, sort, fields and filters of both API surfaces
  routes.py          end points of API 1.0 and 2.0
  insights.py        the event log of Directory Insights
platform.py          a SCIM platform of reference quality (scim2-server)
fast_platform.py     a strict SCIM platform whose every answer takes constant time
  scim_store.py      its resources and their indexes
  scim_patch.py      its PATCH, filters and paths
  scim_schema.py     what it lets in, and what it says of itself
faults.py            what goes wrong on the wire, by script or at random
traffic.py           what was asked, for assertions
serving.py, wsgi.py  loopback servers, requests and replies
people.py, names.py  people to fill a directory with

It stands apart: it imports nothing of the agent, and only ``cli``, tests and ``bench`` import it.
"""
