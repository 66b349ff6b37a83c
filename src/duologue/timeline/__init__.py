"""The timeline: what was said, shown, heard, decided, spoken and spent, on one clock. Begin with `story.py`."""
