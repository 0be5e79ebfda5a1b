"""The orgs' provider secrets: documents in Secrets Manager, or sealed in the embedded store."""
