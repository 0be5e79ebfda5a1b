"""Plumbing: everything that talks to an operating system, a network or a cloud, and holds no rule of ours."""
