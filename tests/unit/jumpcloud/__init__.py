"""Tests of jcsync.jumpcloud."""
