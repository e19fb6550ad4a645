"""The eleven promises, one file each, and whole histories; ``docs/promises.md`` is their page."""
