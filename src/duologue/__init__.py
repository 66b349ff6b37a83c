"""Duologue: an open interaction model that hears, sees, reads, speaks, writes and acts in 200 ms micro-turns."""

__version__ = "0.1.0"
