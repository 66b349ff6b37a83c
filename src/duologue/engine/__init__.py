"""Streaming sessions: what turns micro-turns of input into micro-turns of output, many at once."""
