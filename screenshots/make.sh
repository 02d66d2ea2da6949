#!/usr/bin/env bash
# Takes all screenshots in this folder, or the named ones, of the real program in real terminals:
#
#   screenshots/make.sh [NAME...]       CIPHERLENS=path/to/binary uses that binary instead of building one
#
# The terminals are xterm and mlterm on a virtual display; both draw Sixel as real pixels. Each picture_* function lists
# the areas, in cells, that must show a photo; the script fails if such an area has too few colours.
set -euo pipefail
cd "$(dirname "$0")/.."
source screenshots/stage.sh

vault=(--vault "$home/photos.vault")
files=("${vault[@]}" --folder "$home/Pictures/2024")

picture_browser() {
    start xterm 120 34 "${files[@]}"
    press ctrl+d k k k space space
    photo_in 54 7 65 17
    keep
}

picture_indexing() {
    start xterm 120 24 --vault "$home/new.vault" --folder "$home/Pictures"
    # The screen keeps changing during a run: shoot when the bar has reached column 40.
    local waited
    for key in i Return 4; do xdotool key "$key"; sleep 0.1; done
    for ((waited = 0; waited < 300; waited++)); do
        shoot "$work/shot.png"
        is_heavy 40 5 && break
        sleep 0.1
    done
    is_heavy 40 5 || fail "nothing is indexed"
    keep
}

picture_results() {
    start xterm 120 34 "${vault[@]}" --folder "$home/Pictures/edited"
    press G s bracketleft bracketleft bracketleft bracketleft bracketleft
    photo_in 1 3 24 8
    photo_in 28 3 20 5
    photo_in 87 7 31 14
    keep
}

picture_vault() {
    start xterm 120 34 "${files[@]}"
    press 3 j j l l
    photo_in 48 12 20 5
    photo_in 73 8 46 14
    keep
}

picture_help() {
    start xterm 120 34 "${files[@]}"
    press 3 question
    keep
}

picture_narrow() {
    start xterm 52 30 "${files[@]}"
    press 3
    photo_in 7 3 13 4
    keep
}

picture_halfblocks() {
    start xterm-plain 120 34 "${vault[@]}" --folder "$home/Pictures/edited"
    press G s bracketleft bracketleft bracketleft bracketleft
    photo_in 87 9 31 12
    keep
}

picture_light() {
    start mlterm 110 34 "${files[@]}"
    press slash b u t t e r f l y Return j j s bracketleft bracketleft bracketleft bracketleft bracketleft
    photo_in 1 3 24 7
    photo_in 80 10 28 10
    keep
}

open_display
make_home photos.vault new.vault
run --vault "$home/photos.vault" add "$home"/Pictures/2024/*[0-9].jpg >/dev/null
all=(browser indexing results vault help narrow halfblocks light)
for name in "${@:-${all[@]}}"; do
    declare -F "picture_$name" >/dev/null || { echo "no picture is called $name: ${all[*]}" >&2; exit 64; }
    "picture_$name"
done
