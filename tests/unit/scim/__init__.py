"""Tests of jcsync.scim."""
