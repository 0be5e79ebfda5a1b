"""The request log: one record for each request, where records are kept, and the sums that reports are made of."""
