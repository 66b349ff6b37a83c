import pickle

import pytest
import torch
from safetensors.torch import save_file

from duologue.errors import ConfigError, DataError
from duologue.model import checkpoint


def test_what_is_saved_comes_back(model, tmp_path):
    checkpoint.save(tmp_path / "m.safetensors", model, {"step": 3})
    loaded, about = checkpoint.load(tmp_path / "m.safetensors")
    assert about == {"step": 3} and loaded.config == model.config
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), loaded.state_dict().values(), strict=True))


@pytest.mark.parametrize("make", ["missing", "empty", "truncated", "pickle", "foreign"])
def test_a_bad_file_is_a_clear_error(model, tmp_path, make):
    path = tmp_path / "m.safetensors"
    if make == "truncated":
        checkpoint.save(path, model)
        path.write_bytes(path.read_bytes()[:-1000])
    elif make == "pickle":
        path.write_bytes(pickle.dumps({"a": 1}))
    elif make == "foreign":
        save_file({"a": torch.zeros(2)}, path)
    elif make == "empty":
        path.touch()
    with pytest.raises(DataError, match=r"m\.safetensors"):
        checkpoint.load(path)


def test_another_version_s_settings_are_named(model, tmp_path):
    path = tmp_path / "m.safetensors"
    header = {"config": model.config.to_dict() | {"depthness": 3}, "about": {}}
    checkpoint.write(path, dict(model.state_dict()), header)
    with pytest.raises(ConfigError, match="depthness"):
        checkpoint.load(path)


def test_weights_that_do_not_fit_are_refused(model, tmp_path):
    path = tmp_path / "m.safetensors"
    tensors = dict(model.state_dict())
    tensors["trunk.norm.weight"] = torch.ones(7)
    checkpoint.write(path, tensors, {"config": model.config.to_dict(), "about": {}})
    with pytest.raises(DataError, match=r"trunk\.norm\.weight"):
        checkpoint.load(path)


def test_heads_that_only_teach_may_be_left_out_and_begin_at_nothing(model, tmp_path):
    path = tmp_path / "m.safetensors"
    kept = {name: t for name, t in model.state_dict().items() if not name.startswith(("pronouncing", "draft"))}
    assert len(kept) == len(model.state_dict()) - 7
    checkpoint.write(path, kept, {"config": model.config.to_dict(), "about": {}})
    loaded = checkpoint.load(path)[0]
    assert not loaded.draft.weight.any() and not loaded.pronouncing.each.weight.any() and not loaded.pronouncing.leave.weight.any()
    assert torch.equal(loaded.spelling.weight, model.spelling.weight)


def test_a_full_disk_leaves_the_good_file_alone(model, tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    checkpoint.save(path, model, {"step": 1})

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(DataError, match="No space left"):
        checkpoint.save(path, model, {"step": 2})
    assert checkpoint.load(path)[1] == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
