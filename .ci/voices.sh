#!/bin/sh
# The small speech engines, WordNet, a Spanish dictionary, emoji and photographs, from which training data is made.
set -eu
exec sh "$(dirname "$0")/packages.sh" "Making training data needs" \
    flite festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts espeak-ng wordnet-base \
    fonts-noto-color-emoji gnome-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 \
    dict-freedict-spa-eng
