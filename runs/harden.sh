#!/bin/sh
# The red team's round: attack the weights, make training data of what was found, train on it among everything else, attack anew.
# Needs a voice bank (runs/nano.sh, stages 1); two CPU cores, about two hours. A stage that is done is not done again.
#   runs/harden.sh [FOLDER] [WEIGHTS]    (default: out/harden and the shipped weights; AMOUNT=dry does next to nothing)
set -eu
cd "$(dirname "$0")/.."
RUN=${1:-out/harden}
export OMP_NUM_THREADS=1
case ${AMOUNT:-whole} in
whole) SPOKEN=900 HELD=300 ROUNDS=6 FOUND=64 ATTACKS=12 REST=60 STEPS=150 ;;
dry) SPOKEN=1 HELD=2 ROUNDS=1 FOUND=8 ATTACKS=1 REST=1 STEPS=2 ;;
*) echo "AMOUNT is whole or dry" >&2; exit 2 ;;
esac
make --silent train-setup
BIN=.venv/bin
WEIGHTS=${2:-src/duologue/weights/nano.safetensors}
mkdir -p "$RUN"

. runs/stage.sh
attack() { # attack NAME WEIGHTS: ways that no training has, the same list for every system
    "$BIN/duologue" redteam --families held-out --rounds 1 --count "$HELD" --checkpoint "$2" --out "$RUN/$1"
}
stage voices "$BIN/duologue" synth voices --engine kokoro --split test --family refuse --utterances "$SPOKEN"
stage voices-flite "$BIN/duologue" synth voices --engine flite --split test --family refuse --utterances "$SPOKEN"
stage before attack before "$WEIGHTS"
# What can be found in ways that training may see, and data of it: training voices, training words, the right answer.
stage found "$BIN/duologue" redteam --families trained --rounds "$ROUNDS" --count "$FOUND" --checkpoint "$WEIGHTS" --out "$RUN/found"
stage data "$BIN/duologue" redteam --to-data "$RUN/data" --out "$RUN/found" --shards "$ATTACKS"
# Everything else beside it in the same folder, so that nothing is forgotten.
stage rest "$BIN/duologue" synth shards --out "$RUN/data" --seed 1 --count "$REST" --workers 2
stage train "$BIN/torchrun" --nproc-per-node 2 --master-port 29501 "$BIN/duologue" train pretrain "$RUN/data" --out "$RUN/run" --init "$WEIGHTS" \
    --rows 12 --rate 0.3 --decay 0.6 --steps "$STEPS"
stage mean "$BIN/duologue" train average "$WEIGHTS" "$RUN/run/model.safetensors" --share 0.4 --share 0.6 --out "$RUN/hardened.safetensors"
stage after attack after "$RUN/hardened.safetensors"
