"""``python -m jcsync``."""

from jcsync.cli import main

if __name__ == "__main__":
    main()
