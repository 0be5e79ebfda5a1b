"""Orgs, Sabir keys and their settings: the records, the stores that keep them, and the directory the proxy asks."""
