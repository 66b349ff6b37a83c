#!/bin/sh
# The small speech engines, WordNet, emoji and photographs, from which training data is made. Installs them with apt as root,
# else says how.
set -eu
packages="flite festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts espeak-ng wordnet-base"
packages="$packages fonts-noto-color-emoji gnome-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04"

command -v dpkg >/dev/null 2>&1 && dpkg -s $packages >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq
    apt-get install -y -qq $packages
    exit 0
fi
echo "Making training data needs: $packages" >&2
echo "  Debian, Ubuntu:  sudo apt-get install $packages" >&2
exit 1
