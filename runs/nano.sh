#!/bin/sh
# From an empty folder to nano's weights: the table of contents of the project. Two CPU cores, some tens of hours.
# A stage that is done is not done again, one that was ended goes on, so this may be ended and started at will; each says how
# long it took. Where there is a GPU, stages 3, 4, 6 and 7 use it; all cores render for it.
#   runs/nano.sh [FOLDER]          (default: $DUOLOGUE_CACHE or ~/.cache/duologue)
#   AMOUNT=dry runs/nano.sh FOLDER walks the same road with next to nothing at every stage, to see that it can be walked
set -eu
cd "$(dirname "$0")/.."
HOME_OF_RUN=${1:-${DUOLOGUE_CACHE:-$HOME/.cache/duologue}}
export DUOLOGUE_CACHE="$HOME_OF_RUN" OMP_NUM_THREADS=1
RUN="$HOME_OF_RUN/run/nano"
mkdir -p "$RUN"
case ${AMOUNT:-whole} in
whole) ASKED=300 OWN_REFUSALS=120 REFUSE_MIN=30 FLITE=30000 FESTIVAL=6000 ESPEAK=20000 KOKORO_MIN=600 VOCODER_MIN=300 EAR_STEPS=6000 EYE_STEPS=6000 STEPS=12000 MOUTH_STEPS=6000 TEACH_STEPS=3000 LOOK_STEPS=2000 CASES=60 OPEN=open SET_CASES=8 SEEING=eyes ACTORS=actors ;;
dry) ASKED=2 OWN_REFUSALS=24 REFUSE_MIN=0.2 FLITE=120 FESTIVAL=12 ESPEAK=12 KOKORO_MIN=1 VOCODER_MIN=0.2 EAR_STEPS=2 EYE_STEPS=2 STEPS=2 MOUTH_STEPS=2 TEACH_STEPS=2 LOOK_STEPS=2 CASES=1 OPEN=hearing SET_CASES=1 SEEING=counting ACTORS=: ;;  # too few own sentences to read aloud any that are held out
*) echo "AMOUNT is whole or dry" >&2; exit 2 ;;
esac
make --silent train-setup
BIN=.venv/bin CORES=$(getconf _NPROCESSORS_ONLN)

. runs/memory.sh  # after the set-up, which may bring it
. runs/stage.sh
learn() { # learn PART OUT MORE-OPTIONS...   one process where there is a GPU, else two, one a core
    part=$1 out=$2; shift 2
    if "$BIN/python" -c "import torch, sys; sys.exit(not torch.cuda.is_available())"; then
        "$BIN/duologue" train "$part" --out "$out" --rows 64 "$@"
    else
        "$BIN/torchrun" --nproc-per-node 2 --master-port 29500 "$BIN/duologue" train "$part" --out "$out" --rows 12 "$@"
    fi
}
pretrain() { # pretrain OUT MORE-OPTIONS...   with what people said beside the bank, where there is any
    if [ -d "$HOME_OF_RUN/actors" ]; then set -- "$@" --recordings "$HOME_OF_RUN/actors"; fi
    learn pretrain "$@"
}
spanish() { # a person's recordings from Debian; the command says in one line why it has none, and the rest does not need them
    "$BIN/duologue" synth spanish || test $? -eq 2
}
actors() { # people's English from Debian, half of all open speech; neither does the rest need them
    "$BIN/duologue" synth actors --out "$HOME_OF_RUN/actors" || test $? -eq 2
}
freeze() { # a set is written into an empty folder, so one that was ended begins anew
    rm -rf "$RUN/eyes-set"
    "$BIN/duologue" eval freeze "$RUN/eyes-set" --cases "$SET_CASES"
}
# 1. Voices: many cheap ones for breadth, natural ones for everything else; the own voice among them.
stage voices-flite "$BIN/duologue" synth voices --engine flite --utterances "$FLITE"
stage voices-festival "$BIN/duologue" synth voices --engine festival --utterances "$FESTIVAL"
stage voices-espeak "$BIN/duologue" synth voices --engine espeak --utterances "$ESPEAK"
stage voices-kokoro "$BIN/duologue" synth voices --engine kokoro --minutes "$KOKORO_MIN" --own-share 0.5 --workers "$CORES"
stage voices-spanish spanish
stage voices-actors "$ACTORS"
#    What attacks and refusals are spoken with, by the voices and in the words that only tests hear.
stage voices-refusals "$BIN/duologue" synth voices --engine kokoro --own-share 1 --family refuse --utterances "$OWN_REFUSALS"
stage voices-attacks "$BIN/duologue" synth voices --engine kokoro --split test --family refuse --minutes "$REFUSE_MIN"
stage voices-attacks-flite "$BIN/duologue" synth voices --engine flite --split test --family refuse --utterances 1500

# 2. The own voice: mel to sound.
stage vocoder "$BIN/duologue" train vocoder --out "$HOME_OF_RUN/vocoder" --minutes "$VOCODER_MIN"
stage vocoder-export "$BIN/duologue" train vocoder --out "$HOME_OF_RUN/vocoder" --export "$RUN/vocoder.safetensors"

# 3. Ears: the front alone learns to spell what it hears, some three times as much sound an hour as with the trunk behind it.
#    Nothing is asked: all is to be heard.
stage ears pretrain "$RUN/ears" --ears --steps "$EAR_STEPS" --decay 0.1 \
    --family hear=8 --family talk --family numbers --family order --family facts

# 4. The model: hearing, speaking, deciding, all at once. Conversations are rendered as they are needed, used a few times and
#    forgotten, or it learns their order by heart.
stage model pretrain "$RUN" --init "$RUN/ears/model.safetensors" --steps "$STEPS" --decay 0.3 \
    --family hear=22 --family read=16 --family drill=11 --family numbers=10 --family repeat=10 --family delegate=10 --family talk=9 \
    --family time=9 --family facts=8 --family pause=8 --family invite=6 --family refuse=6 --family order=5 --family typed=5 \
    --family interrupt=4 --family hold=3 --family cue=3 --family pronounce=2 --family correct_me=3 --family translate=3

# 5. Its voice alone: what it says and how that sounds, in conversations and in sentences that are timed and never spoken.
stage mouth "$BIN/duologue" train mouth --out "$RUN/mouth" --init "$RUN/model.safetensors" --steps "$MOUTH_STEPS" \
    --family read=6 --family delegate=4 --family talk=2 --family drill=2 --family numbers --family time --family facts --family refuse --family order

# 6. What hangs on a rule given at the beginning: a word to answer, a word to correct. The trunk alone, beside conversations of
#    which all stays as it is.
stage teach learn teach "$RUN/taught" --init "$RUN/mouth/model.safetensors" --steps "$TEACH_STEPS" --decay 0.9 \
    --family cue=14 --family correct_me=8 --family time=8 --family read=2 --family pronounce=1 \
    --known time=44 --known read=18 --known numbers=18 --known repeat=18 --known invite=18 --known talk=16 --known hear=12 \
    --known drill=10 --known delegate=10 --known pause=10 --known typed=10 --known facts=8 --known interrupt=8 --known hold=8 \
    --known refuse=6 --known order=5 --known pronounce=2

# 7. Eyes: sight alone learns to name what is shown, some hundred pictures a second, in the vectors that words have by now; then the
#    layers that pictures go through, alone: it learns to look, and the talk without pictures keeps its bits.
stage eyes "$BIN/duologue" train eyes --out "$RUN/eyes" --init "$RUN/taught/model.safetensors" --steps "$EYE_STEPS"
stage looking pretrain "$RUN/looking" --init "$RUN/eyes/model.safetensors" --eyes --steps "$LOOK_STEPS" --decay 0.5 \
    --family glance=22 --family see=20 --family watch=24 --family count=24 --family correct_me=4 --family time=4 --family pause=4 \
    --family facts=6 --family numbers=8 --family talk=5 --family refuse=3 --family interrupt=3 --family hold=3 --family hear=3 \
    --family order=4 --family invite=3 --family typed=3 --family drill=3
NANO="$RUN/looking/model.safetensors"

# 8. What it can do, judged on what is heard.
stage eval "$BIN/duologue" eval quick --checkpoint "$NANO" --cases "$CASES"
stage eval-open "$BIN/duologue" eval run "$OPEN" --checkpoint "$NANO" --cases "$CASES" --out "$RUN/eval"
stage eyes-set freeze
stage eval-eyes "$BIN/duologue" eval run "$SEEING" --checkpoint "$NANO" --set "$RUN/eyes-set" --out "$RUN/eval"

# 9. Whether it keeps the policy (docs/safety.md): however it is asked, and under attacks that nobody trained for.
stage eval-refusal "$BIN/duologue" eval run refusal --checkpoint "$NANO" --cases "$ASKED" --out "$RUN/eval"
stage redteam "$BIN/duologue" redteam --families held-out --rounds 1 --count "$ASKED" --checkpoint "$NANO" --out "$RUN/redteam"
