"""Tools that need no network: each file has one function that makes a `tools.Tool`."""
