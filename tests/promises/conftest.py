"""The site of the scenarios, for the promises."""

from tests.scenario.conftest import site, team, world

__all__ = ["site", "team", "world"]
