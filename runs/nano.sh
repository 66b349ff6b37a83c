#!/bin/sh
# From an empty folder to nano's weights: the table of contents of the project. Two CPU cores, some tens of hours.
# A stage that is done is not done again, one that was ended goes on, so this may be ended and started at will; each says how
# long it took.
#   runs/nano.sh [FOLDER]          (default: $DUOLOGUE_CACHE or ~/.cache/duologue)
#   AMOUNT=dry runs/nano.sh FOLDER walks the same road with next to nothing at every stage, to see that it can be walked
set -eu
cd "$(dirname "$0")/.."
HOME_OF_RUN=${1:-${DUOLOGUE_CACHE:-$HOME/.cache/duologue}}
export DUOLOGUE_CACHE="$HOME_OF_RUN" OMP_NUM_THREADS=1
# Large tensors stay with the process: giving them back and asking again costs a tenth of a step.
export MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184
RUN="$HOME_OF_RUN/run/nano"
mkdir -p "$RUN"
case ${AMOUNT:-whole} in
whole) FLITE=30000 FESTIVAL=6000 ESPEAK=20000 KOKORO_MIN=600 VOCODER_MIN=300 EAR_ROUNDS=15 EAR_MILD=8 ROUNDS=80 MILD=30 SHARDS=90 ROUND_MIN=12 LAST=600 CASES=60 OPEN=open ;;
dry) FLITE=120 FESTIVAL=12 ESPEAK=12 KOKORO_MIN=1 VOCODER_MIN=0.2 EAR_ROUNDS=1 EAR_MILD=1 ROUNDS=1 MILD=1 SHARDS=1 ROUND_MIN=0.1 LAST=2 CASES=1 OPEN=hearing ;;  # too few own sentences to read aloud any that are held out
*) echo "AMOUNT is whole or dry" >&2; exit 2 ;;
esac
make --silent train-setup
BIN=.venv/bin

stage() { # stage NAME COMMAND...   NAME is one word: it is the name of the file that says that it is done
    name=$1; shift
    test -e "$RUN/done-$name" && return
    began=$(date +%s)
    echo "== $name"
    "$@"
    echo "== $name took $(( ($(date +%s) - began + 30) / 60 )) min"
    touch "$RUN/done-$name"
}
two() { "$BIN/torchrun" --nproc-per-node 2 --master-port 29500 "$BIN/duologue" "$@"; }
kokoro() { # one process for the own voice, one for all the others; before that the weights are unpacked, once
    "$BIN/duologue" synth voices --engine kokoro --utterances 1 --minutes 5
    "$BIN/duologue" synth voices --engine kokoro --minutes "$KOKORO_MIN" --own-share 1 &
    own=$!
    "$BIN/duologue" synth voices --engine kokoro --minutes "$KOKORO_MIN" --own-share 0
    wait $own
}
render_ears() { # render_ears ROUND AMOUNT-OF-NOISE   nothing is asked: all is to be heard
    "$BIN/duologue" synth shards --out "$HOME_OF_RUN/shards/ears-$1" --count "$SHARDS" --seed "$((1000 + $1))" --workers 2 --augment "$2" \
        --family hear=8 --family talk --family numbers --family order --family facts
}
hear() { # hear ROUND
    two train pretrain "$HOME_OF_RUN/shards/ears-$1" --out "$RUN/ears" --preset nano --seed "$1" --ears --rows 16 --steps 1000000 --minutes "$ROUND_MIN"
}
render() { # render ROUND AMOUNT-OF-NOISE
    "$BIN/duologue" synth shards --out "$HOME_OF_RUN/shards/nano-$1" --count "$SHARDS" --seed "$1" --workers 2 --augment "$2" \
        --family hear=12 --family delegate=6 --family drill=4 --family numbers=3 --family repeat=3 --family talk=2.5 --family time=2.5 --family facts=2 \
        --family typed=2 --family read=5 --family order=1.5 --family pause=1.5 --family hold --family interrupt --family invite
}
learn() { # learn ROUND MORE-OPTIONS...
    round=$1; shift
    two train pretrain "$HOME_OF_RUN/shards/nano-$round" --out "$RUN" --preset nano --init "$RUN/ears/model.safetensors" --seed "$round" "$@"
}
steps() { "$BIN/python" -c "import json; print(json.loads(open('$RUN/log.jsonl').readlines()[-1])['step'] + 1)"; }

# 1. Voices: many cheap ones for breadth, natural ones for everything else; the own voice among them.
stage voices-flite "$BIN/duologue" synth voices --engine flite --utterances "$FLITE"
stage voices-festival "$BIN/duologue" synth voices --engine festival --utterances "$FESTIVAL"
stage voices-espeak "$BIN/duologue" synth voices --engine espeak --utterances "$ESPEAK"
stage voices-kokoro kokoro

# 2. The own voice: mel to sound.
stage vocoder "$BIN/duologue" train vocoder --out "$HOME_OF_RUN/vocoder" --minutes "$VOCODER_MIN"
stage vocoder-export "$BIN/duologue" train vocoder --out "$HOME_OF_RUN/vocoder" --export "$RUN/vocoder.safetensors"

# 3. Ears: the front alone learns to spell what it hears, some three times as much sound an hour as with the trunk behind it.
for round in $(seq 1 "$EAR_ROUNDS"); do
    stage "shards-ears-$round" render_ears "$round" "$(test "$round" -le "$EAR_MILD" && echo mild || echo train)"
    stage "ears-$round" hear "$round"
    rm -rf "$HOME_OF_RUN/shards/ears-$round"
done

# 4. The model: hearing, speaking, deciding, all at once. Conversations are rendered, used for about an epoch and
#    a half and thrown away, or it learns their order by heart. The first rounds are nearly clean; in the last the rate falls.
for round in $(seq 1 "$ROUNDS"); do
    stage "shards-$round" render "$round" "$(test "$round" -le "$MILD" && echo mild || echo train)"
    stage "model-$round" learn "$round" --steps 1000000 --minutes "$ROUND_MIN"
    rm -rf "$HOME_OF_RUN/shards/nano-$round"
done
stage shards-0 render 0 train
test -e "$RUN/last-step" || echo $(( $(steps) + LAST )) > "$RUN/last-step"
stage model-last learn 0 --steps "$(cat "$RUN/last-step")" --decay "$("$BIN/python" -c "print($LAST / $(cat "$RUN/last-step"))")"

# 5. What it can do, judged on what is heard.
stage eval "$BIN/duologue" eval quick --checkpoint "$RUN/model.safetensors" --cases "$CASES"
stage eval-open "$BIN/duologue" eval run "$OPEN" --checkpoint "$RUN/model.safetensors" --cases "$CASES" --out "$RUN/eval"
