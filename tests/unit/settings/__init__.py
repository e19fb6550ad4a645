"""Settings: files, variables and secrets on a real file system; nothing of ours is replaced."""
