"""An embedded JumpCloud and an embedded SCIM platform, for the demo, tests and benchmarks.

world.py             both at once, with a configuration that points at them; start here
jumpcloud.py         JumpCloud as a WSGI application: keys, tokens, organisations, routes
  directory.py       what one organisation holds, and how people change it
  graph.py           who is bound to what
  records.py         people, groups and applications as the API spells them
  query.py           paging, sort, fields and filters of both API surfaces
  routes.py          which function answers which request
  routes_v1.py       users and applications: API 1.0
  routes_v2.py       groups and the graph: API 2.0
  insights.py        the event log of Directory Insights
platform.py          what every embedded SCIM platform offers to those who test with it
reference.py         one of reference quality (scim2-server)
reference_code.py    one by the rules of Microsoft's reference code, mistakes included
deviant.py           the fast one with deviations, as known platforms have them (deviations.py)
fast_platform.py     a strict one whose every answer takes constant time
  scim_store.py      its resources and their indexes
  scim_patch.py      its PATCH; scim_path.py: operations and paths
  scim_check.py      what it lets in
  scim_schema.py     what it says of itself
faults.py            which requests meet a fault, by script or at random
misfortunes.py       the usual faults
traffic.py           what was asked, for assertions
serving.py, wsgi.py  loopback servers, requests and replies
people.py, names.py  people to fill a directory with

It stands apart: it imports nothing of the agent, and only ``cli``, tests and ``bench`` import it.
"""
