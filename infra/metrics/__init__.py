"""Metrics of requests, for CloudWatch: their names in one place, and the log line that carries them."""
