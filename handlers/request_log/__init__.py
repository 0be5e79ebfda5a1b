"""Reading the request log, for the proxy and the admin API: what a URL may ask for, and how it is shown."""
