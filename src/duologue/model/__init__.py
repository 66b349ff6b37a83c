"""The interaction model. Letters of shapes, in this whole folder:

B rows (sessions) · T turns · N positions of the flat sequence · M keys · C capacity of a ring · D width · H heads ·
G key/value heads · K head width · F dMel frames · M mel channels where a frame is meant · V vocabulary · S samples.
"""
