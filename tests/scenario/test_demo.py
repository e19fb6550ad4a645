"""``jcsync demo``: the main job, against sides of its own."""

import json

from tests.scenario.site import Site


def test_demo_as_json(site: Site) -> None:
    """One document with that of every command; what is said to people goes to standard error."""
    result = site.process("demo", "--json", config=False)

    assert result.status == 0, result.text
    steps = result.document["steps"]
    words = [step["command"].split()[1] for step in steps]
    assert words[:3] == ["check", "plan", "reconcile"]
    assert words[-1] == "status"
    assert [step["command"] for step in steps if step["status"] == 4] == [
        "jcsync reconcile --quiet"
    ]
    assert steps[0]["document"]["checks"]
    assert steps[2]["document"]["runs"][0]["outcome"] == "applied"
    assert "A bad day" in result.err


def test_demo_that_goes_on_as_json(site: Site) -> None:
    """Where both sides are and with which configuration, while they run."""
    running = site.start("demo", "--serve", "--json", config=False)
    assert running.stdout is not None
    lines = [running.stdout.readline() for _ in range(5)]
    running.terminate()
    running.communicate(timeout=30)

    assert json.loads("".join(lines)).keys() == {"jumpcloud", "platform", "config"}
    assert running.returncode == 0
