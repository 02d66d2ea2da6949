#!/usr/bin/env bash
# Records a short session of the real program in xterm, with Sixel, for the README:
#
#   screenshots/record.sh               CIPHERLENS=path/to/binary uses that binary instead of building one
#
# The session is the function of that name, key by key. screenshots/session.webp must not be larger than 2 MB.
set -euo pipefail
cd "$(dirname "$0")/.."
source screenshots/stage.sh

name=session
most_bytes=2000000
columns_and_rows=(104 30)

# The keys, and for how many seconds each frame is shown.
session() {
    show 1.2
    xdotool type --delay 30 'correct horse battery staple'
    show 0.8
    # The vault by date.
    show 1.6 Return
    show 0.4 j
    show 0.4 l
    show 1.0 l
    # Photos like this one, and the divider at the threshold.
    show 1.4 s
    show 0.4 bracketleft
    show 0.4 bracketleft
    show 0.4 bracketleft
    show 0.4 bracketleft
    show 1.8 bracketleft
    # A match large, and beside the query.
    show 0.6 l
    show 1.6 Return
    show 2.0 equal
    press Escape Escape
    # Folders as contact sheets, and more of them into the vault.
    show 1.2 1
    show 0.6 j
    show 1.4 j
    show 2.0 I
    watch 4 Return 4
    show 2.5
}

frames=()
delays=()

# show SECONDS KEY...: presses keys, waits until the screen is complete, and keeps a frame.
show() {
    press "${@:2}"
    keep_frame "$(hundredths "$1")"
}

# watch SECONDS KEY...: presses keys, and keeps a frame every half second while the screen changes.
watch() {
    local left key
    for key in "${@:2}"; do
        xdotool key "$key"
        sleep 0.15
    done
    for ((left = $(hundredths "$1"); left > 0; left -= 50)); do
        shoot "$work/shot.png"
        keep_frame 50
        sleep 0.4
    done
}

hundredths() {
    awk "BEGIN { print int($1 * 100) }"
}

keep_frame() {
    local frame=$work/frame_$((1000 + ${#frames[@]})).png
    cp "$work/shot.png" "$frame"
    frames+=("$frame")
    delays+=("$1")
}

# Writes the frames as one animated file. Text needs little room in any quality; photos decide the size.
write() {
    local index arguments=() quality
    for index in "${!frames[@]}"; do arguments+=(-delay "${delays[index]}" "${frames[index]}"); done
    for quality in 85 75 65 55 45; do
        convert "${arguments[@]}" -loop 0 -strip -define webp:method=6 -quality "$quality" "$work/session.webp"
        (($(stat -c %s "$work/session.webp") > most_bytes)) || break
    done
    local bytes
    bytes=$(stat -c %s "$work/session.webp")
    ((bytes <= most_bytes)) || fail "$bytes bytes are too many"
    (($(identify "$work/session.webp" | wc -l) > 1)) || fail "this ImageMagick writes no animated WebP"
    mv "$work/session.webp" "$out/session.webp"
    echo "screenshots/session.webp: ${#frames[@]} frames, $bytes bytes, quality $quality"
}

open_display
make_home photos.vault
# The rest is for the run in the session.
run --vault "$home/photos.vault" add "$home"/Pictures/[bdefgp]*/*[0-9].jpg >/dev/null
passphrase=()
start xterm "${columns_and_rows[@]}" --vault "$home/photos.vault"
session
close_terminal
write
[[ -z ${KEEP_FRAMES:-} ]] || cp "${frames[@]}" "$KEEP_FRAMES"
