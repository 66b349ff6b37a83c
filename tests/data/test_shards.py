"""Shards on disk."""

import errno
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors

from duologue.data import shards
from duologue.data.render import render
from duologue.data.script import Script, View
from duologue.errors import DataError
from tests.data.synthetic import Letters, question, speech

SPEECH = speech("what is eight plus five")


class OneVoice:
    """A bank with one voice that says one thing."""

    def sample(self, rng, family, intent=None, voice=None, split="train", where=None):
        return SPEECH

    def begun_otherwise(self, rng, speech):
        self.begun = getattr(self, "begun", 0) + 1
        return speech


def family(fails: float = 0.0) -> dict:
    """A family whose scripts sometimes lack an own word."""

    def script(rng, bank, split, voice=None) -> Script:
        made = question(length_s=8.0)
        if rng.random() < fails:
            made.own[0] = type(made.own[0])(0.0, made.own[0].speech)
        return made

    return {"numbers": (SimpleNamespace(script=script), 1.0)}


def recipe(fails: float = 0.0, seed: int = 5, **how) -> shards.Recipe:
    return shards.Recipe(OneVoice(), family(fails), seed, **how)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_S", 60.0)


def rendered(count: int = 3) -> list:
    return [
        render(question(length_s=4.0 + n), np.random.default_rng(n), Letters(), augment="clean") for n in range(count)
    ]


def test_a_shard_comes_back_as_it_was(tmp_path):
    conversations = rendered()
    shards.write_shard(tmp_path / "a.safetensors", conversations)
    for was, now in zip(conversations, shards.read_shard(tmp_path / "a.safetensors"), strict=True):
        assert was.family == now.family
        for name in (*shards.FIELDS, *shards.PICTURES):
            assert np.array_equal(getattr(was, name), getattr(now, name))
            assert getattr(was, name).dtype == getattr(now, name).dtype


def shown(length_s: float, grey: int) -> Script:
    script = question(length_s=length_s)
    script.views.append(View(1.0, 3.0, lambda seconds: np.full((120, 160, 3), grey, np.uint8)))
    return script


def test_pictures_come_back_with_their_own_conversation(tmp_path):
    scripts = [shown(4.0, 50), question(length_s=5.0), shown(6.0, 200)]
    conversations = [render(s, np.random.default_rng(n), Letters(), augment="clean") for n, s in enumerate(scripts)]
    shards.write_shard(tmp_path / "a.safetensors", conversations)
    for was, now in zip(conversations, shards.read_shard(tmp_path / "a.safetensors"), strict=True):
        assert np.array_equal(was.jpeg, now.jpeg) and np.array_equal(was.jpeg_bytes, now.jpeg_bytes)
    assert [len(c.jpeg) > 0 for c in conversations] == [True, False, True]


def test_a_shard_in_which_nothing_is_shown_has_no_pictures_in_it(tmp_path):
    shards.write_shard(tmp_path / "a.safetensors", rendered())
    with safetensors.safe_open(tmp_path / "a.safetensors", "np") as file:
        assert set(file.keys()) == {*shards.FIELDS, "offsets"}


def test_a_full_disk_leaves_no_shard(tmp_path, monkeypatch):
    def full(self, data):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="No space left"):
        shards.write_shard(tmp_path / "a.safetensors", rendered(1))
    assert not list(tmp_path.iterdir())


def test_a_torn_shard_is_a_data_error(tmp_path):
    shards.write_shard(tmp_path / "a.safetensors", rendered(1))
    whole = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="make it again"):
        shards.read_shard(tmp_path / "a.safetensors")
    with pytest.raises(DataError):
        shards.read_shard(tmp_path / "none.safetensors")


def test_shards_follow_from_seed_and_number(tmp_path):
    for name, workers in (("one", 1), ("two", 2)):
        tally = shards.make_shards(tmp_path / name, 120, recipe(), workers=workers)
        assert tally.hours * 3600 >= 120 and tally.families["numbers"] >= 12
    one, two = (sorted((tmp_path / name).iterdir()) for name in ("one", "two"))
    assert [p.name for p in one] == [p.name for p in two] == ["train-5-00000.safetensors", "train-5-00001.safetensors"]
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
    assert one[0].read_bytes() != one[1].read_bytes()


def test_shards_that_exist_are_left_alone(tmp_path):
    shards.make_shards(tmp_path, 60, recipe())
    done = []
    first = next(tmp_path.iterdir())
    written = first.stat().st_mtime_ns
    shards.make_shards(tmp_path, 120, recipe(), progress=done.append)
    assert first.stat().st_mtime_ns == written
    assert done == [1, 2] and len(list(tmp_path.iterdir())) == 2


def test_many_failures_stop_the_run_and_are_explained(tmp_path):
    with pytest.raises(DataError, match=r"scripts failed.*before any output"):
        shards.make_shards(tmp_path, 60, recipe(fails=0.9))
    assert not list(tmp_path.iterdir())


def test_few_failures_are_counted(tmp_path):
    tally = shards.make_shards(tmp_path, 240, recipe(fails=0.02, seed=5, augment="clean"))
    assert tally.failures.total() > 0
    assert "before any output" in next(iter(tally.failures))


def test_an_unknown_family_is_named():
    with pytest.raises(DataError, match="nosuch"):
        shards.weighted_families({"nosuch": 1.0})


def test_only_training_replies_begin_as_others_do():
    train, test = recipe(), recipe(split="test")
    for made in (train, test):
        shards.render_shard(made, 0)
    assert train.bank.begun > 0 and not hasattr(test.bank, "begun")
