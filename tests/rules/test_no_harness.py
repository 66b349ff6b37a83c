"""The thesis as a test: no rule in the product decides when the model speaks. Benchmarks may name what they measure, and
some of their files, `evals/cascade*.py`, are the harness that the model is measured against."""

import re
from pathlib import Path

SRC = Path(__file__).parents[2] / "src" / "duologue"
BANNED = re.compile(
    r"\bvad\b|voice_activity|silero|webrtcvad|ten_vad|endpoint(er|ing)\b|turn_detect|end_of_turn|barge_?in\b"
    r"|is_speaking|user_speaking|dialogue_state",
    re.IGNORECASE,
)


def product_lines():
    for path in sorted(SRC.rglob("*")):
        if path.suffix in {".py", ".js", ".html"} and "evals" not in path.relative_to(SRC).parts:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield f"{path.relative_to(SRC)}:{number}", line


def test_no_turn_taking_harness():
    hits = [where for where, line in product_lines() if BANNED.search(line)]
    assert not hits, hits


def test_only_the_benchmark_knows_its_baseline():
    """What stands above `evals` may start a benchmark, but the harness serves nobody's conversation."""
    imports = re.compile(r"^\s*(?:from|import)\s.*\bcascade", re.MULTILINE)
    known = [p.relative_to(SRC) for p in SRC.rglob("*.py") if imports.search(p.read_text(encoding="utf-8"))]
    assert known and all(path.parts[0] == "evals" for path in known), known


def test_the_pattern_catches_what_it_should():
    for line in ("vad = load()", "if session.is_speaking:", "import webrtcvad", "self.end_of_turn()", "on_barge_in()"):
        assert BANNED.search(line), line
    assert not BANNED.search("the turn's end, an evader, invaders")
