"""Measuring how fast it runs here."""
