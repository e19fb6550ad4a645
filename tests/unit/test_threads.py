"""Threads that log as parts of a run."""

from structlog.contextvars import bound_contextvars, get_contextvars

from jcsync.threads import Pool


def test_calls_know_the_run_that_they_belong_to() -> None:
    """Each call has the context of who submitted it, also where one thread serves two runs."""
    with Pool(1) as pool:
        with bound_contextvars(run_id="one"):
            first = pool.submit(get_contextvars)
            mapped = list(pool.map(lambda _: get_contextvars(), range(2)))
        with bound_contextvars(run_id="two"):
            second = pool.submit(get_contextvars)

        assert first.result() == {"run_id": "one"}
        assert mapped == [{"run_id": "one"}] * 2
        assert second.result() == {"run_id": "two"}
        assert pool.submit(get_contextvars).result() == {}
