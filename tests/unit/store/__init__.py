"""The store, on SQLite and, where its programs are installed, on a real PostgreSQL."""
