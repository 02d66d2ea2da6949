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

picture_vault-small() {
    start xterm 80 24 "${vault[@]}"
    photo_in 1 2 70 4
    keep
}

picture_vault() {
    start xterm 110 32 "${vault[@]}"
    press l j
    photo_in 1 2 100 5
    keep
}

picture_vault-large() {
    font_size=8 start xterm 200 60 "${vault[@]}"
    press l j
    photo_in 1 2 180 8
    keep
}

picture_photo() {
    start xterm 110 32 "${vault[@]}"
    press j l l Return
    photo_in 30 5 50 20
    keep
}

picture_files() {
    start xterm 110 32 "${vault[@]}"
    press 1
    photo_in 50 3 50 10
    keep
}

picture_indexing() {
    start xterm 110 32 --vault "$home/new.vault"
    press 1 I
    # The screen keeps changing during a run: shoot when the bar has reached column 60.
    local waited
    for key in Return 4; do xdotool key "$key"; sleep 0.1; done
    for ((waited = 0; waited < 300; waited++)); do
        shoot "$work/shot.png"
        is_heavy 60 4 && break
        sleep 0.1
    done
    is_heavy 60 4 || fail "nothing is indexed"
    keep
}

picture_results() {
    start xterm 110 32 "${vault[@]}" --folder "$home/Pictures/edited"
    press G s bracketleft bracketleft bracketleft bracketleft
    photo_in 1 1 13 3
    photo_in 1 6 13 5
    keep
}

picture_compare() {
    start xterm 110 32 "${vault[@]}" --folder "$home/Pictures/edited"
    press G s equal
    photo_in 5 5 40 20
    photo_in 60 5 40 20
    keep
}

picture_help() {
    start xterm 110 32 "${vault[@]}"
    press question
    keep
}

picture_narrow() {
    start xterm 52 30 "${vault[@]}"
    photo_in 1 2 45 5
    keep
}

picture_halfblocks() {
    start xterm-plain 110 32 "${vault[@]}" --folder "$home/Pictures/edited"
    press G s bracketleft bracketleft bracketleft bracketleft
    photo_in 1 6 60 12
    keep
}

picture_light() {
    start mlterm 110 32 "${vault[@]}" --folder "$home/Pictures/butterfly"
    press j j s bracketleft bracketleft bracketleft bracketleft bracketleft
    photo_in 1 1 13 3
    photo_in 1 6 13 5
    keep
}

open_display
make_home photos.vault new.vault
run --vault "$home/photos.vault" add "$home"/Pictures/*/*[0-9].jpg >/dev/null
all=(vault-small vault vault-large photo files indexing results compare help narrow halfblocks light)
for name in "${@:-${all[@]}}"; do
    declare -F "picture_$name" >/dev/null || { echo "no picture is called $name: ${all[*]}" >&2; exit 64; }
    "picture_$name"
done
