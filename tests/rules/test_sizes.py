"""Small pieces: what is longer than this wants to be two things."""

import ast
from pathlib import Path

SRC = Path(__file__).parents[2] / "src" / "duologue"
MOST_LINES, MOST_FUNCTION_LINES, MOST_ARGUMENTS = 340, 45, 7


def trees():
    for path in sorted(SRC.rglob("*.py")):
        yield path.relative_to(SRC), ast.parse(path.read_text(encoding="utf-8"))


def functions():
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def test_files_are_short():
    long = [str(p.relative_to(SRC)) for p in SRC.rglob("*.py") if len(p.read_text().splitlines()) > MOST_LINES]
    assert not long, long


def test_functions_are_short():
    def lines(node):
        first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
        return node.end_lineno - first.lineno + 1  # docstring and signature not counted

    long = [f"{path}: {node.name} {lines(node)}" for path, node in functions() if lines(node) > MOST_FUNCTION_LINES]
    assert not long, long


def test_functions_take_few_arguments():
    many = [
        f"{path}: {node.name}"
        for path, node in functions()
        if len(node.args.args) > MOST_ARGUMENTS and path.name not in ("cli.py", "commands.py", "gpu.py")  # a kernel is told every size
    ]
    assert not many, many


def test_every_module_says_what_it_is_for():
    silent = [str(path) for path, tree in trees() if not ast.get_docstring(tree) and path.name != "__init__.py"]
    assert not silent, silent
