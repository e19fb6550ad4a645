"""Tests of the embedded JumpCloud and SCIM platforms, over real loopback sockets."""
