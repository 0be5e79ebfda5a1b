"""The admin API: orgs, provider secrets, Sabir keys, limits, and the trail of who changed what."""
