"""Scenes: what a camera sees, as a function of time. Read `stage` first.

`stage` puts actors on a ground before a camera; `things` and `figure` are what can be seen, `ground` what lies behind,
`camera` what a lens, a hand and a network do to it, `stock` the pictures that others made.
"""
