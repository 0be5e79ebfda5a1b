"""AWS over the shared HTTP session: signing, credentials and JSON calls, without boto3 on the request path."""
