#!/bin/sh
# The small speech engines, WordNet, a Spanish dictionary, emoji and photographs, from which training data is made; npm, which fetches
# more of both; what the judge's webrtcvad is compiled with; and jemalloc, for a training's memory. What is there already, from wherever, is left alone.
set -eu
python=${1:-python3.11}

missing=
command -v npm >/dev/null 2>&1 || missing="$missing npm"
command -v g++ >/dev/null 2>&1 && command -v gcc >/dev/null 2>&1 || missing="$missing build-essential"
header='import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
"$python" -c "$header" >/dev/null 2>&1 || missing="$missing $(basename "$python")-dev"

# shellcheck disable=SC2086  # words, not one
exec sh "$(dirname "$0")/packages.sh" "Making training data needs" \
    flite festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts espeak-ng wordnet-base \
    fonts-noto-color-emoji gnome-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 \
    dict-freedict-spa-eng libjemalloc2 $missing
