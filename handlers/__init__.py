"""Routes, request and response shaping, and the pipeline: the only layer that knows Starlette."""
