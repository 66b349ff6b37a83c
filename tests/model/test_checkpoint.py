import pickle

import pytest
import torch
from safetensors.torch import save_file

from duologue import config
from duologue.config import tiny
from duologue.errors import ConfigError, DataError
from duologue.model import checkpoint
from duologue.model.interaction import UNKEPT, InteractionModel
from duologue.model.vocoder import Vocoder, load_vocoder
from duologue.train.average import average
from duologue.train.eyes import eyes
from duologue.train.loop import Plan
from duologue.train.pretrain import pretrain


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


SETTINGS = [
    ("depthness", 3), ("width", "lots"), ("width", None), ("width", 32.5), ("width", True), ("width", 1e9), ("width", 10**9), ("width", 1 << 20),
    ("width", 10**4000), ("layers", 10**9), ("layers", 1000), ("layers", 0), ("kv_heads", 0), ("kv_heads", -1), ("heads", 3), ("head_width", 17),
    ("norm_eps", "x"), ("norm_eps", float("nan")), ("norm_eps", -1.0), ("rope_base", float("inf")), ("window", -5), ("window", [640]),
    ("experts", 1 << 30), ("experts", 1), ("sink", 1), ("vocabulary", 1 << 20), ("flow_layers", 10**9),
]  # fmt: skip


@pytest.mark.parametrize(("setting", "value"), SETTINGS, ids=[f"{name}={value!r:.12}" for name, value in SETTINGS])
def test_settings_that_no_model_can_have_are_refused_before_anything_is_allocated(model, tmp_path, setting, value):
    path = tmp_path / "m.safetensors"
    checkpoint.write(path, dict(model.state_dict()), {"config": model.config.to_dict() | {setting: value}, "about": {}})
    with pytest.raises((ConfigError, DataError), match=r"m\.safetensors") as refused:
        checkpoint.load(path)
    assert setting in str(refused.value) or "does not fit its own settings" in str(refused.value)


@pytest.mark.parametrize("name", config.PRESETS)
def test_the_bound_on_weights_is_below_and_close(name):
    preset = config.preset(name)
    with torch.device("meta"):
        count = sum(t.numel() for n, t in InteractionModel(preset).state_dict().items() if not n.startswith(UNKEPT))
    assert count / 3 < preset.least_weights <= count


HEADERS = ["[]", "3", "null", "{}", "[" * 100_000, '{"config": null}', '{"config": [1]}', '{"about": {}}', '{"config": {}, "about": 3}', "{"]


@pytest.mark.parametrize("header", HEADERS, ids=[f"{header:.30}" for header in HEADERS])
def test_a_header_of_another_kind_is_refused(model, tmp_path, header):
    path = tmp_path / "m.safetensors"
    save_file(dict(model.state_dict()), path, {"format": checkpoint.FORMAT, "header": header})
    with pytest.raises(DataError, match=r"m\.safetensors"):
        checkpoint.load(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused(model, tmp_path, value):
    path, tensors = tmp_path / "m.safetensors", {name: t.clone() for name, t in model.state_dict().items()}
    tensors["trunk.norm.weight"][3] = value
    checkpoint.write(path, tensors, {"config": model.config.to_dict(), "about": {}})
    with pytest.raises(DataError, match=r"m\.safetensors.*trunk\.norm\.weight"):
        checkpoint.load(path)


@pytest.mark.parametrize("what", ["list", "nan", "missing", "shape", "truncated"])
def test_a_vocoder_that_cannot_be_used_is_refused(tmp_path, what):
    path, tensors = tmp_path / "v.safetensors", Vocoder().state_dict()
    if what == "nan":
        tensors["norm.bias"][0] = float("nan")
    elif what == "missing":
        del tensors["norm.bias"]
    elif what == "shape":
        tensors["norm.bias"] = torch.zeros(7)
    save_file({"a": torch.zeros(2)} if what == "list" else tensors, path, {"format": "[]"})
    if what == "truncated":
        path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"v\.safetensors"):
        load_vocoder(path)


def test_what_training_is_given_to_begin_with_is_looked_at_too(model, tmp_path):
    path = tmp_path / "m.safetensors"
    checkpoint.write(path, dict(model.state_dict()), {"config": model.config.to_dict() | {"kv_heads": 0}, "about": {}})
    plan = Plan(out=tmp_path / "out", steps=1)
    for begin in (lambda: pretrain(tmp_path, tiny(), plan, init=path), lambda: eyes(tiny(), plan, 1, path)):
        with pytest.raises(ConfigError, match="kv_heads=0"):
            begin()
    checkpoint.write(path, dict(model.state_dict()), {"step": 3})
    with pytest.raises(DataError, match="holds no model"):
        average([path, path], [], tmp_path / "mean.safetensors")


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
    assert len(kept) == len(model.state_dict()) - len([n for n in model.state_dict() if n.startswith(("pronouncing", "draft"))])
    checkpoint.write(path, kept, {"config": model.config.to_dict(), "about": {}})
    loaded = checkpoint.load(path)[0]
    assert not loaded.draft.weight.any() and not loaded.pronouncing.each.weight.any() and not loaded.pronouncing.leave.weight.any()
    assert torch.equal(loaded.spelling.weight, model.spelling.weight)


def test_without_layers_for_pictures_it_looks_with_those_it_hears_with(model, tmp_path):
    tensors, header = checkpoint.of(model)
    checkpoint.write(tmp_path / "m.safetensors", {n: t for n, t in tensors.items() if "eyes" not in n}, header)
    trunk = checkpoint.load(tmp_path / "m.safetensors")[0].trunk
    for looking, layer in zip(trunk.eyes, trunk.layers, strict=True):
        assert all(torch.equal(w, dict(layer.named_parameters())[n]) for n, w in looking.named_parameters())


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
