"""The daemon: every connection by its own schedule, until a signal.

schedule.py   settings → triggers of APScheduler
metrics.py    what runs did, as Prometheus metrics
http.py       /healthz, /readyz and /metrics
jobs.py       a job for each connection, and what follows from how its run ended
reload.py     changed settings, while it runs
systemd.py    what the service manager is told
service.py    the life of the process
"""

from jcsync.daemon.service import check_anything_to_do, serve

__all__ = ["check_anything_to_do", "serve"]
