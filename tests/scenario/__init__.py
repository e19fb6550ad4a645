"""Whole runs through the command line, against the sandbox."""
