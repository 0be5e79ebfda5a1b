"""Pure translation between what clients speak and what providers speak: bytes and data in, data and bytes out.

No clock, no randomness, no environment, no network, no logging: ids and times are arguments.
"""
