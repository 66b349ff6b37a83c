#!/bin/sh
# On a machine with a GPU: the Triton operations against the reference and against themselves, then a talk, its replay and a
# short training, all on the device.
# Not yet run on any GPU by the project (docs/kernels.md says what has run where).
set -eu
cd "$(dirname "$0")/.."
PYTHON="${PYTHON:-.venv/bin/python}"

"$PYTHON" - <<'CHECK'
import sys

import torch

if not torch.cuda.is_available():
    sys.exit("no GPU that torch can use: install a CUDA build of torch 2.13.0 (https://pytorch.org/get-started/locally) and run again")
print(torch.cuda.get_device_name(), "torch", torch.__version__)
CHECK
unset TRITON_INTERPRET
"$PYTHON" -m pytest -q tests/kernels/test_gpu.py tests/kernels/test_reference.py

OUT=$(mktemp -d)
trap 'rm -rf "$OUT"' EXIT
BIN=$(dirname "$PYTHON")
mkdir "$OUT/shards"
"$BIN/duologue" talk --device cuda --input examples/question.wav --output "$OUT/answer.wav" --events "$OUT/events.jsonl" \
    --timeline "$OUT/timeline.html" --session "$OUT/session.jsonl"
"$BIN/duologue" replay "$OUT/session.jsonl" --device cuda
"$PYTHON" - "$OUT/shards/a.safetensors" <<'SHARD'
import sys
from pathlib import Path

from tests.train.made_shards import make_shard

make_shard(Path(sys.argv[1]), seed=1, shown=0.2)
SHARD
"$BIN/duologue" train pretrain "$OUT/shards" --out "$OUT/run" --preset nano --rows 8 --steps 20 --device cuda
