"""Which endpoints may answer a request, in which order, and what to do when one of them fails: data in, data out."""
