"""ARCHITECTURE.md is the map: every file has its line, every line has its file, and no link in the papers is dead."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "duologue"
SUFFIXES = {".py", ".html", ".css", ".js"}


def mapped() -> set[str]:
    """Paths, relative to src/duologue, of the map's tree: `name  what it is`, folders end in a slash."""
    tree = re.search(r"```text\nsrc/duologue/\n(.*?)```", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), re.S)[
        1
    ]
    paths, folders = set(), {}
    for line in tree.splitlines():
        depth, name = (len(line) - len(line.lstrip())) // 2, line.split()[0]
        above = folders.get(depth - 1, "") if depth > 1 else ""
        if name.endswith("/"):
            folders[depth] = above + name
        else:
            assert len(line.split()) > 1, f"say what {above}{name} is for"
            paths.add(above + name)
    return paths


def test_the_map_is_true():
    there = {str(p.relative_to(SRC)) for p in SRC.rglob("*") if p.suffix in SUFFIXES and p.name != "__init__.py"}
    there = {p for p in there if "__pycache__" not in p}
    assert not there - mapped(), f"not on the map in ARCHITECTURE.md: {sorted(there - mapped())}"
    assert not mapped() - there, f"on the map and not in the tree: {sorted(mapped() - there)}"


@pytest.mark.parametrize("paper", sorted(p.name for p in ROOT.glob("*.md")))
def test_links_lead_somewhere(paper):
    text = (ROOT / paper).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", text)
    dead = [link for link in links if not (ROOT / link).exists()]
    assert not dead, f"{paper}: {dead}"


def test_homes_exist():
    table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## Every idea has one home")[1]
    homes = re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.(?:py|html|js)|tests/[a-z_/]+)`", table)
    dead = [h for h in homes if not ((SRC / h).exists() or (ROOT / h).exists())]
    assert homes and not dead, dead
