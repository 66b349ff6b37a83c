"""Imports point down: a file may use the floors below its own, its own folder, and nothing above."""

import ast
from pathlib import Path

SRC = Path(__file__).parents[2] / "src" / "duologue"
LAYERS = [
    {"cli"},
    {"talk", "train", "bench"},
    {"server", "evals"},
    {"live", "data", "timeline"},
    {"engine", "agent"},
    {"model"},
    {"kernels", "media"},
    {"safety"},
    {"turn", "config", "clock", "errors", "device"},
]
FLOOR = {name: number for number, row in enumerate(LAYERS) for name in row}
SERVING = {"server", "engine", "live", "agent", "talk", "model", "turn"}
WITHOUT_TORCH = {"cli", "talk", "timeline", "server", "media", "turn", "config", "clock", "errors", "safety"}
HEAVY = {"torch", "tensorboard", "onnxruntime", "faster_whisper"}


def part_of(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imported(tree: ast.AST, top_only: bool = False):
    """Dotted names that a file imports; with `top_only` those that run when it is imported."""
    nodes = tree.body if top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{a.name}" for a in node.names)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names)


def edges():
    for path in SRC.rglob("*.py"):
        for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
            pieces = name.split(".")
            if pieces[0] == "duologue" and len(pieces) > 1 and pieces[1] not in (part_of(path), "__version__"):
                yield path.relative_to(SRC), part_of(path), pieces[1]


def test_every_part_has_a_floor():
    parts = {part_of(path) for path in SRC.rglob("*.py")} - {"__init__"}
    assert parts <= set(FLOOR), f"give {parts - set(FLOOR)} a floor in LAYERS"


def test_imports_point_down():
    ground = len(LAYERS) - 1
    wrong = [
        f"{path}: {here} -> {there}"
        for path, here, there in edges()
        if not (FLOOR[here] < FLOOR[there] or FLOOR[here] == FLOOR[there] == ground)
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_that_serves_knows_the_policy():
    """Refusing is the network's: where the policy cannot be imported, no rule of it can be applied."""
    rows = {(here, there) for _, here, there in edges()}
    assert {here for here, _ in rows} | {"turn"} >= SERVING and ("data", "safety") in rows
    assert not {here for here, there in rows if there in ("safety", "data", "evals")} & SERVING


def test_imports_are_absolute():
    relative = [
        str(path.relative_to(SRC))
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def test_light_parts_stay_light():
    heavy = [
        f"{path.relative_to(SRC)}: {name}"
        for path in SRC.rglob("*.py")
        if part_of(path) in WITHOUT_TORCH
        for name in imported(ast.parse(path.read_text(encoding="utf-8")), top_only=True)
        if name.split(".")[0] in HEAVY
    ]
    assert not heavy, "\n".join(heavy)
