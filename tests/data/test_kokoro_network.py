"""What the graph of the Kokoro network is changed by: equal results, but for the phase of what has no imaginary part."""

import numpy as np
import pytest

from duologue.data import kokoro_network

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

WIDTH, STEP = 20, 5


def graph_of_a_transform():
    """As Kokoro has it: samples [1, 1, N] to real and imaginary parts [1, WIDTH / 2 + 1, frames]."""
    node, array = onnx.helper.make_node, onnx.numpy_helper.from_array
    values = {"rows": [1, -1], "step": STEP, "length": WIDTH, "first": 0, "second": 1}
    constants = [array(np.array(value, np.int64), name) for name, value in values.items()]
    window = array(np.hanning(WIDTH + 1)[:-1].astype(np.float32), "window")
    nodes = [
        node("Reshape", ["sound", "rows"], ["flat"]),
        node("STFT", ["flat", "step", "window", "length"], ["parts"]),
        node("Transpose", ["parts"], ["swapped"], perm=[0, 2, 1, 3]),
        node("Gather", ["swapped", "second"], ["imaginary"], axis=3),
        node("Gather", ["swapped", "first"], ["real"], axis=3),
    ]
    sound, *parts = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("sound", "real", "imaginary"))
    return onnx.helper.make_graph(nodes, "transform", [sound], parts, [*constants, window])


def run(graph, sound) -> list[np.ndarray]:
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"sound": sound})


def test_the_transform_by_convolution_is_the_transform():
    sound = np.random.default_rng(0).normal(size=(1, 1, 300)).astype(np.float32)
    graph = graph_of_a_transform()
    before = run(graph, sound)
    kokoro_network._convolved_stft(graph)
    assert not [n for n in graph.node if n.op_type == "STFT"]
    after = run(graph, sound)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
    assert (after[1][:, [0, -1]] > 0).all()  # a negative sample's phase is +pi, as atan2 says it
