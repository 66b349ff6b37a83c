"""New skills: the trunk alone learns, and what is known is held to what it was."""

from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from duologue.config import tiny
from duologue.data import shards
from duologue.data.shards import Recipe, chosen_families
from duologue.errors import DataError
from duologue.model import checkpoint
from duologue.model.interaction import InteractionModel
from duologue.train import feed, teach
from duologue.train.commands import train
from duologue.train.feed import by_step
from duologue.train.loop import Plan
from tests.data.fake_bank import FakeBank


@pytest.fixture(autouse=True)
def short(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(shards, "SHARD_S", 60.0)
    monkeypatch.setattr(feed, "POSITIONS", 256)
    monkeypatch.setattr(feed, "KEPT", 3)


def recipe(family: str) -> Recipe:
    return Recipe(FakeBank(), chosen_families([family]), watched=0.0)


@pytest.fixture
def init(tmp_path):
    """Weights that write into the residual stream and heads that read it, which those of a new model do not."""
    torch.manual_seed(0)
    model = InteractionModel(tiny())
    for p in (*model.trunk.parameters(), *model.heads.parameters()):
        torch.nn.init.normal_(p, std=0.1) if p.dim() > 1 else None
    checkpoint.save(tmp_path / "init.safetensors", model)
    return tmp_path / "init.safetensors"


def taught(init, out, steps=25):
    return teach.teach(recipe("numbers"), recipe("order"), Plan(out=out, steps=steps, warmup=1, decay=0.01), 4, init, init)


def test_the_trunk_learns_and_nothing_else_changes(tmp_path, init):
    learned, fresh = taught(init, tmp_path / "run"), dict(checkpoint.load(init)[0].named_parameters())
    changed = {n for n, p in learned.named_parameters() if not torch.equal(p, fresh[n])}
    assert changed and all(n.startswith(teach.TRUNK) for n in changed) and not any("eyes" in n for n in changed)
    rows = [eval(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert rows[0]["kept"] == 0 < rows[1]["kept"]
    assert sum(r["hear"] for r in rows[-5:]) < sum(r["hear"] for r in rows[:5]) * 0.97


def test_what_is_known_is_held_to_what_it_was(tmp_path, init, monkeypatch):
    before, batch, otherwise = checkpoint.load(init)[0], by_step(recipe("order"), 4, 3)(0), teach.otherwise

    def off(model) -> tuple[float, float]:
        with torch.no_grad():
            hidden, wanted = (m.hidden(batch, torch.float32) for m in (model, before))
            return teach.changed(hidden, wanted, batch).item(), otherwise(model, hidden, wanted, batch, torch.float32).item()

    assert off(before) == (0, 0)
    held = off(taught(init, tmp_path / "held"))
    monkeypatch.setattr(teach, "KEPT_WEIGHT", 0.0)
    monkeypatch.setattr(teach, "otherwise", lambda *_: torch.zeros(()))
    let_go = off(taught(init, tmp_path / "let-go"))
    assert 0 < held[0] < 0.7 * let_go[0] and 0 < held[1] < 0.7 * let_go[1]


def test_what_happens_counts_more_than_silence(init):
    model, batch = checkpoint.load(init)[0], by_step(recipe("order"), 4, 3)(0)
    first = torch.arange(batch.important_BT.numel()).view_as(batch.important_BT) < batch.important_BT.numel() // 2
    with torch.no_grad():
        wanted = model.hidden(batch, torch.float32)
        at = batch.outputs_R[first.flatten()[batch.output_of_R // 2]] - 1
        hidden = wanted.index_add(0, at, torch.randn(len(at), wanted.shape[1]))
        off = [teach.otherwise(model, hidden, wanted, replace(batch, important_BT=near), torch.float32) for near in (first, ~first)]
    assert off[0] > 5 * off[1] > 0


def test_a_family_that_is_not_there_is_said():
    answer = CliRunner().invoke(train, ["teach", "--out", "run", "--family", "dreams", "--known", "talk"])
    assert isinstance(answer.exception, DataError) and "no family dreams" in str(answer.exception)
