#!/bin/sh
# pico, 2M parameters, in about twenty minutes on two CPU cores: for tinkering. Change one thing, see the timing move.
#   runs/pico.sh          voices, conversations, training, a look at what it learned
#   runs/pico.sh quick    the same road in its shortest form, one engine and open sentences only: shows that it can be walked
# After the set-up, which is the network's time. What is made lies in $DUOLOGUE_CACHE or ~/.cache/duologue.
set -eu
cd "$(dirname "$0")/.."
FORM=${1:-whole}
export OMP_NUM_THREADS=1
. runs/memory.sh
ROOT=${DUOLOGUE_CACHE:-$HOME/.cache/duologue}
BIN=.venv/bin
DUOLOGUE="$BIN/duologue"
SHARDS="$ROOT/shards/pico-$FORM" RUN="$ROOT/run/pico-$FORM"
two() { "$BIN/torchrun" --nproc-per-node 2 --master-port 29501 "$DUOLOGUE" "$@"; }

case $FORM in
quick)
    sh .ci/packages.sh "A voice needs" flite wordnet-base
    make --silent setup
    began=$(date +%s)
    "$DUOLOGUE" synth voices --engine flite --family hear --utterances 60
    "$DUOLOGUE" synth shards --out "$SHARDS" --count 1 --family hear --augment mild
    two train pretrain "$SHARDS" --out "$RUN/ears" --preset pico --ears --steps 20 --minutes 0.2 --rows 4
    two train pretrain "$SHARDS" --out "$RUN" --preset pico --init "$RUN/ears/model.safetensors" --steps 60 --minutes 0.6 --rows 4
    "$DUOLOGUE" train forced "$SHARDS" --checkpoint "$RUN/model.safetensors" --windows 4
    ;;
whole)
    make --silent train-setup
    began=$(date +%s)
    "$DUOLOGUE" synth voices --engine flite --utterances 900 --family numbers --family order
    # Natural voices: half is what the model says, half who talks to it.
    "$DUOLOGUE" synth voices --engine kokoro --minutes 4 --own-share 0.5 --workers 2 --family numbers --family order
    "$DUOLOGUE" synth shards --out "$SHARDS" --count 12 --workers 2 --augment mild --family numbers=2 --family order --family hear
    two train pretrain "$SHARDS" --out "$RUN/ears" --preset pico --ears --steps 2000 --minutes 3 --rows 16
    two train pretrain "$SHARDS" --out "$RUN" --preset pico --init "$RUN/ears/model.safetensors" --steps 2000 --minutes 8
    "$BIN/python" -m duologue.evals.probe --checkpoint "$RUN/model.safetensors" --families numbers order --cases 10
    ;;
*)
    echo "usage: runs/pico.sh [quick]" >&2
    exit 2
    ;;
esac
echo "all of it took $(( ($(date +%s) - began + 30) / 60 )) min; weights: $RUN/model.safetensors"
