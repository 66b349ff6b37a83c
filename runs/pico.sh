#!/bin/sh
# pico, 2.5M parameters, in about twenty minutes on two CPU cores: for tinkering. Change one thing, see the timing move.
#   runs/pico.sh [MINUTES]     (of training; 2 is enough to see the losses fall)
set -eu
cd "$(dirname "$0")/.."
MINUTES=${1:-12}
export OMP_NUM_THREADS=1
ROOT=${DUOLOGUE_CACHE:-$HOME/.cache/duologue}
make --silent train-setup
BIN=.venv/bin
began=$(date +%s)

"$BIN/duologue" synth voices --engine flite --utterances 600
"$BIN/duologue" synth voices --engine kokoro --minutes 4
"$BIN/duologue" synth shards --out "$ROOT/shards/pico" --count 12 --family numbers=2 --family order --family hear
"$BIN/torchrun" --nproc-per-node 2 --master-port 29501 "$BIN/duologue" train pretrain "$ROOT/shards/pico" \
    --out "$ROOT/run/pico" --preset pico --steps 2000 --minutes "$MINUTES"
"$BIN/python" -m duologue.evals.probe --checkpoint "$ROOT/run/pico/model.safetensors" --cases 10
echo "all of it took $(( ($(date +%s) - began) / 60 )) min"
