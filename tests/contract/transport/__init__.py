"""Tests of jcsync.transport."""
