"""Families: each module generates one kind of conversation, with its own labels.

Every family module has `NAME`, `lines(rng, split)` (endless random user lines with their meaning, for the voice bank;
none where they are another family's),
`own_texts()` (all replies in the own voice) and `script(rng, bank, split, voice=None)` (one conversation).
`exchange` holds what they share, `lexicon` the words they know. Read `numbers` first.
"""
