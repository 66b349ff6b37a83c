"""Batches of conversations rendered anew: the same seed gives the same bits, nothing runs out, what is lacking is said."""

from dataclasses import fields
from itertools import islice

import pytest
import soundfile
import torch
from typer.testing import CliRunner

from duologue.config import tiny
from duologue.data import recordings, shards
from duologue.data.bank import Bank
from duologue.data.shards import Recipe, chosen_families
from duologue.data.word_times import by_letters
from duologue.errors import ConfigError, DataError
from duologue.train import feed
from duologue.train.commands import train
from duologue.train.feed import Anew, Share, by_step
from duologue.train.loop import Plan
from duologue.train.pretrain import pretrain
from tests.data.fake_bank import FakeBank
from tests.data.synthetic import speech


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_S", 60.0)
    monkeypatch.setattr(feed, "POSITIONS", 256)
    monkeypatch.setattr(feed, "KEPT", 3)


def recipe(seed: int = 1) -> Recipe:
    return Recipe(FakeBank(), chosen_families(["numbers", "order=2"]), seed)


def first(count: int, seed: int = 1, step: int = 0, rank: int = 0) -> list:
    return list(islice(Anew(recipe(seed), Share(2, 256, False, rank, 2), step), count))


def same(one, two) -> bool:
    pairs = [(getattr(one, f.name), getattr(two, f.name)) for f in fields(one)]
    return all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in pairs)


def test_the_same_seed_has_the_same_bits_and_another_step_or_process_other_ones():
    begun = first(3)
    assert all(map(same, begun, first(3)))
    for others in (first(1, seed=2), first(1, step=1), first(1, rank=1)):
        assert not same(begun[0], others[0])


def test_a_conversation_is_used_a_few_times_and_forgotten(monkeypatch):
    numbers, positions, held = [], [], []
    add = feed.Shards.add

    def render(recipe, number):
        numbers.append(number)
        return shards.render_shard(recipe, number)

    def added(held_shards, shard):
        positions.append(add(held_shards, shard))
        held.append(len(held_shards.shards))
        return positions[-1]

    monkeypatch.setattr(feed, "render_shard", render)
    monkeypatch.setattr(feed.Shards, "add", added)
    drawn = len(first(60)) * 2 * 256
    assert len(set(numbers)) == len(numbers) and max(held) == 3
    assert feed.USES * sum(positions[:-1]) - 2 * 256 <= drawn <= feed.USES * sum(positions)


def test_two_thirds_are_nearly_clean(monkeypatch):
    levels = []

    def render(recipe, number):
        levels.append(recipe.augment)
        return shards.render_shard(recipe, number)

    monkeypatch.setattr(feed, "render_shard", render)
    first(60)
    assert len(levels) > 4 and levels == (["mild", "mild", "train"] * 9)[: len(levels)]


def test_what_the_bank_lacks_is_said_before_training_begins(tmp_path):
    with pytest.raises(DataError, match="synthesise more"):
        by_step(Recipe(Bank(tmp_path), chosen_families(["numbers"])), 2, 0)


def test_recordings_are_read_in_and_spoken(tmp_path, monkeypatch):
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(recordings, "timer", lambda: by_letters)
    for n, text in enumerate(("the boat came home late", "a fox lives behind the barn")):
        soundfile.write(tmp_path / f"{n}.wav", speech(text).pcm_S, 16_000)
        (tmp_path / f"{n}.txt").write_text(text)
    made = feed.recipe(chosen_families(["hear"]), 0, tmp_path)
    said = {entry.row["text"] for entry in made.bank.entries}
    assert said == {"the boat came home late", "a fox lives behind the barn"}


def test_a_folder_and_what_to_render_exclude_each_other():
    answer = CliRunner().invoke(train, ["pretrain", "data", "--out", "run", "--family", "numbers"])
    assert isinstance(answer.exception, ConfigError) and "leave out one or the other" in str(answer.exception)


def test_ears_and_eyes_exclude_each_other():
    answer = CliRunner().invoke(train, ["pretrain", "--out", "run", "--ears", "--eyes"])
    assert isinstance(answer.exception, ConfigError) and "one part alone" in str(answer.exception)


def test_a_weight_that_is_no_number_is_explained():
    with pytest.raises(ConfigError, match="pause=much.*NAME=WEIGHT"):
        chosen_families(["numbers", "pause=much"])


@pytest.mark.parametrize(("part", "asked"), [("all", "flow"), ("ears", "ctc")])
def test_a_model_learns_from_conversations_that_nothing_keeps(tmp_path, part, asked):
    torch.set_num_threads(1)
    pretrain(recipe(), tiny(), Plan(out=tmp_path / "run", steps=20, warmup=1, decay=0.01), rows=2, part=part)
    rows = [eval(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert len(rows) == 20 and sum(r[asked] for r in rows[-5:]) < sum(r[asked] for r in rows[:5]) * 0.9
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
