"""The daemon: every connection by its own schedule, until a signal.

schedule.py   settings → triggers of APScheduler
metrics.py    what runs did, as Prometheus metrics
http.py       /healthz, /readyz and /metrics
service.py    the jobs, and the life of the process
"""

from jcsync.daemon.service import serve

__all__ = ["serve"]
