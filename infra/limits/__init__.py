"""Limits and budgets that hold under concurrency: reserve with one conditional write, settle on usage."""
