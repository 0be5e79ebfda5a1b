"""The commands that manage a Sabir: orgs, provider secrets, keys, virtual models. Each speaks the admin API."""
