#!/bin/sh
# From an empty folder to nano's weights: the table of contents of the project. Two CPU cores, some tens of hours.
# Every stage goes on where it stopped, so this may be ended and started at will; each says how long it took.
#   runs/nano.sh [FOLDER]      (default: $DUOLOGUE_CACHE or ~/.cache/duologue)
set -eu
cd "$(dirname "$0")/.."
HOME_OF_RUN=${1:-${DUOLOGUE_CACHE:-$HOME/.cache/duologue}}
export DUOLOGUE_CACHE="$HOME_OF_RUN" OMP_NUM_THREADS=1
RUN="$HOME_OF_RUN/run/nano"
make --silent train-setup
BIN=.venv/bin

stage() { # stage NAME COMMAND...
    name=$1; shift
    began=$(date +%s)
    echo "== $name"
    "$@"
    echo "== $name took $(( ($(date +%s) - began) / 60 )) min"
}
two() { "$BIN/torchrun" --nproc-per-node 2 --master-port 29500 "$BIN/duologue" "$@"; }

# 1. Voices: many cheap ones for breadth, natural ones for everything else; the own voice among them.
for engine in flite festival espeak; do
    stage "voices $engine" "$BIN/duologue" synth voices --engine $engine --utterances 3000
done
stage "voices kokoro" "$BIN/duologue" synth voices --engine kokoro --minutes 300

# 2. The own voice: mel to sound.
stage "vocoder" "$BIN/duologue" train vocoder --out "$HOME_OF_RUN/vocoder" --minutes 300

# 3. The model: hearing, speaking, deciding, all at once, from nothing. Conversations are rendered, used for about an epoch and
#    a half and thrown away, or it learns their order by heart. The first rounds are nearly clean.
for round in $(seq 1 80); do
    shards="$HOME_OF_RUN/shards/nano-$round"
    test -e "$RUN/round-$round" && continue
    stage "shards $round" "$BIN/duologue" synth shards --out "$shards" --count 90 --seed "$round" --workers 2 \
        --augment "$(test "$round" -le 30 && echo mild || echo train)" \
        --family hear=14 --family numbers=2.5 --family repeat=2.5 --family talk=2 --family typed=2.5 --family read \
        --family order=1.5 --family facts=1.5 --family pause=1.5 --family time=1.5 --family hold --family interrupt --family invite
    stage "model $round" two train pretrain "$shards" --out "$RUN" --preset nano --steps 20000 --minutes 12 --seed "$round"
    touch "$RUN/round-$round"
    rm -r "$shards"
done

# 4. What it can do, judged on what is heard.
stage "eval" "$BIN/duologue" eval quick --checkpoint "$RUN/model.safetensors"
