"""Search over the user's documents, by SQLite's FTS5, with the place of every passage. Read `index` first."""

import re
import sqlite3
from pathlib import Path

from duologue.agent.tools import Result, Tool, tool
from duologue.errors import ConfigError

SUFFIXES = {".txt", ".md", ".rst", ".csv"}
LARGEST = 5_000_000  # bytes of one file
BEST = 4  # passages told


def index(folder: Path) -> sqlite3.Connection:
    """All passages (paragraphs) of a folder's text files. Raises ConfigError when there is no such folder."""
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder; name the one whose documents may be searched")
    found = sqlite3.connect(":memory:", check_same_thread=False)
    found.execute("CREATE VIRTUAL TABLE passages USING fts5(place UNINDEXED, text, tokenize='porter unicode61')")
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()):
        if path.stat().st_size <= LARGEST:
            found.executemany("INSERT INTO passages VALUES (?, ?)", _passages(path, path.relative_to(folder)))
    return found


def _passages(path: Path, name: Path) -> list[tuple[str, str]]:
    """(file and line, text) of every paragraph."""
    text, found, line, counted = path.read_text(encoding="utf-8", errors="replace"), [], 1, 0
    for paragraph in re.finditer(r"(?:[^\n]*\S[^\n]*\n?)+", text):
        line += text.count("\n", counted, paragraph.start())
        counted = paragraph.start()
        found.append((f"{name} line {line}", paragraph[0].strip()))
    return found


def passages(found: sqlite3.Connection, words: str) -> list[tuple[str, str]]:
    """(place, text) of the passages that fit best; those that have all words before those that have some."""
    wanted = [f'"{word}"' for word in re.findall(r"\w+", words)]
    for joint in (" AND ", " OR "):
        query = "SELECT place, text FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ?"
        if wanted and (rows := found.execute(query, (joint.join(wanted), BEST)).fetchall()):
            return rows
    return []


def documents(folder: Path) -> Tool:
    """Search over a folder, indexed now. What a document says is data, whoever wrote it."""
    found = index(folder)

    def search(words: str) -> Result:
        """Searches the user's own documents for passages about some words."""
        rows = passages(found, words)
        places = ", ".join(place for place, _ in rows)
        return Result("\n\n".join(f"{place}: {text}" for place, text in rows) or "nothing was found", places)

    return tool(search, changes=False)
