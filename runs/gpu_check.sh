#!/bin/sh
# On a machine with a GPU: the Triton operations against the reference and against themselves, their speed, a talk and its replay,
# a short training. Parts by name (`runs/gpu_check.sh tests bench`), else all; one that fails does not stop the next.
# $PYTHON needs torch for CUDA, Triton and what pyproject.toml names, but not duologue. Files stay in $OUT if it is set.
set -u
cd "$(dirname "$0")/.." || exit 2
PYTHON="${PYTHON:-.venv/bin/python}"
export PYTHONPATH="src:.${PYTHONPATH:+:$PYTHONPATH}"
unset TRITON_INTERPRET

"$PYTHON" - <<'CHECK' || exit 2
import sys

import torch

if not torch.cuda.is_available():
    sys.exit("no GPU that torch can use: install a CUDA build of torch (https://pytorch.org/get-started/locally) and run again")
print(torch.cuda.get_device_name(), "torch", torch.__version__)
CHECK

if [ -z "${OUT:-}" ]; then
    OUT=$(mktemp -d)
    trap 'rm -rf "$OUT"' EXIT
fi

duologue() { "$PYTHON" -m duologue.cli "$@"; }

tests() { "$PYTHON" -m pytest -q --noconftest --durations=5 tests/kernels/test_gpu.py; }

bench() { duologue bench kernels --device cuda --json "$OUT/kernels.json" --plot "$OUT/kernels.png"; }

talk() {
    duologue talk --device cuda --input examples/question.wav --output "$OUT/answer.wav" --events "$OUT/events.jsonl" \
        --timeline "$OUT/timeline.html" --session "$OUT/session.jsonl" &&
        duologue replay "$OUT/session.jsonl" --device cuda
}

train() {
    mkdir -p "$OUT/shards" &&
        "$PYTHON" -c "
from pathlib import Path
from tests.train.made_shards import make_shard
make_shard(Path('$OUT/shards/a.safetensors'), seed=1, shown=0.2)" &&
        duologue train pretrain "$OUT/shards" --out "$OUT/run" --preset nano --rows 8 --steps 20 --device cuda &&
        tail -n 1 "$OUT/run/log.jsonl"
}

failed=""
for part in ${*:-tests bench talk train}; do
    case $part in tests | bench | talk | train) ;; *) echo "no part $part; there are tests, bench, talk, train" >&2 && exit 2 ;; esac
    echo "== $part"
    began=$(date +%s)
    "$part" || failed="$failed $part"
    echo "== $part: $(($(date +%s) - began)) s"
done
[ -z "$failed" ] || echo "failed:$failed" >&2
[ -z "$failed" ]
