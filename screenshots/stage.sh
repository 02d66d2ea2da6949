# What make.sh and record.sh share: a virtual display, terminals on it, a user with photos and a vault, keys and shots.
# Sourced by them with the root of the project as the current folder. CIPHERLENS=path/to/binary uses that binary instead
# of building one.

out=$PWD/screenshots

missing=()
for tool in Xvfb xterm mlterm convert import xdotool xwininfo fc-match; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
if ((${#missing[@]})) || [[ $(fc-match 'DejaVu Sans Mono') != *DejaVu* ]]; then
    echo "missing: ${missing[*]:-DejaVu fonts}. On Debian: apt-get install --no-install-recommends" \
        "xvfb xterm mlterm imagemagick xdotool x11-utils fontconfig fonts-dejavu-core" >&2
    exit 1
fi
if [[ -z ${CIPHERLENS:-} ]]; then
    cargo build --release --locked
    CIPHERLENS=$PWD/target/release/cipherlens
fi
program=$(realpath "$CIPHERLENS")

work=$(mktemp -d)
home=$work/home
# Arguments with which the application starts unlocked.
passphrase=(--passphrase-file "$work/passphrase")
terminal=
display_server=
finish() {
    [[ -z $terminal ]] || kill "$terminal" 2>/dev/null || true
    [[ -z $display_server ]] || kill "$display_server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

fail() {
    echo "$name: $1" >&2
    [[ ! -e $work/shot.png ]] || { cp "$work/shot.png" "$out/failed.png" && echo "see $out/failed.png" >&2; }
    exit 1
}

# make_home VAULT...: a user with empty vaults and the sample photos, in folders and under names that tell what they are
# with dates as a camera would have left them.
make_home() {
    local photo kind copy day=0
    for photo in data/photos/*/*.jpg; do
        kind=$(basename "$(dirname "$photo")")
        copy=$home/Pictures/${kind,,}/${kind,,}_${photo: -6:2}.jpg
        mkdir -p "${copy%/*}"
        cp "$photo" "$copy"
        touch -d "2024-05-01 09:30 UTC + $((day * 53 % 180)) days" "$copy"
        day=$((day + 1))
    done
    mkdir "$home/Pictures/edited"
    for photo in data/altered/*.jpg; do
        kind=$(basename "$photo" .jpg)
        cp "$photo" "$home/Pictures/edited/${kind/_image_00/_}.jpg"
        touch -d '2024-11-16 18:05 UTC' "$home/Pictures/edited/${kind/_image_00/_}.jpg"
    done
    # A photo that was not copied completely.
    head -c 5000 data/photos/butterfly/image_0001.jpg >"$home/Pictures/butterfly/butterfly_of_ann.jpg"
    touch -d '2024-07-21 12:00 UTC' "$home/Pictures/butterfly/butterfly_of_ann.jpg"
    touch -d '2024-11-17 10:00 UTC' "$home"/Pictures/*/
    echo 'correct horse battery staple' >"$work/passphrase"
    local vault
    for vault in "$@"; do
        run init --argon2-memory-mib 19 --argon2-passes 1 "$home/$vault" >/dev/null
    done
}

run() {
    env -i HOME="$home" PATH="$PATH" LANG=C.UTF-8 "$program" --passphrase-file "$work/passphrase" "$@"
}

dark=(-bg '#15181e' -fg '#d5d9e0')
light=(-bg '#fafafa' -fg '#24292f')
# The sixteen colours, softer than xterm's own.
palette=('#3b4048' '#e06c75' '#98c379' '#e5c07b' '#61afef' '#c678dd' '#56b6c2' '#abb2bf'
    '#7f8694' '#e88388' '#a9d18e' '#ebcb8b' '#7fbdf3' '#d291e4' '#6bc5d0' '#eceff4')

font_size=10.5

# start TERMINAL COLUMNS ROWS ARGUMENT...: the application in a terminal, started in the folder Pictures.
#   xterm: Sixel. xterm-plain: draws no pictures. mlterm: Sixel on a light background.
start() {
    local kind=$1 arguments=() number waited
    columns=$2 rows=$3
    shift 3
    local command=("$program" "${passphrase[@]}" --reduced-motion "$@")
    case $kind in
    xterm*)
        arguments=(-u8 -fa 'DejaVu Sans Mono' -fs "$font_size" -b 0 +sb -bw 0 -geometry "${columns}x$rows+0+0")
        arguments+=("${dark[@]}")
        for number in "${!palette[@]}"; do arguments+=(-xrm "XTerm*color$number: ${palette[number]}"); done
        # xterm reports the cell size only if window operations are allowed, and the program needs it for Sixel.
        [[ $kind == xterm-plain ]] || arguments+=(-ti vt340 -xrm 'XTerm*allowWindowOps: true'
            -xrm 'XTerm*numColorRegisters: 256' -xrm 'XTerm*maxGraphicSize: 2000x2000')
        arguments=(xterm "${arguments[@]}" -e "${command[@]}")
        ;;
    mlterm)
        mkdir -p "$home/.mlterm"
        echo 'DEFAULT=DejaVu Sans Mono-iso10646-1:11' >"$home/.mlterm/aafont"
        printf '%s\n' 'blue=#0a5fc4' 'hl_blue=#0a5fc4' 'magenta=#9a3fb5' >"$home/.mlterm/color"
        # At smaller font sizes mlterm cuts underscores off.
        arguments=(mlterm --term=xterm-256color --type xft -w 16 --sbmod none -g "${columns}x$rows"
            --bg "${light[1]}" --fg "${light[3]}" -e "${command[@]}")
        ;;
    esac
    env -i -C "$home/Pictures" HOME="$home" PATH="$PATH" LANG=C.UTF-8 DISPLAY="$DISPLAY" "${arguments[@]}" &
    terminal=$!
    for ((waited = 0; waited < 100; waited++)); do
        window=$(xdotool search --onlyvisible --class "${kind%-plain}" 2>/dev/null | tail -1) || true
        [[ -z $window ]] || break
        sleep 0.1
    done
    [[ -n $window ]] || fail "no window"
    # Without a window manager the keys go where the pointer is.
    xdotool mousemove --window "$window" 1 1
    sleep 1
    settle
}

shoot() {
    import -window "$window" "$1"
}

# Waits until the screen stops changing: pictures appear one by one.
settle() {
    local before='' now alike=0 waited
    for ((waited = 0; waited < 80; waited++)); do
        shoot "$work/shot.png"
        now=$(convert "$work/shot.png" -format '%#' info:)
        [[ $now == "$before" ]] && alike=$((alike + 1)) || alike=0
        ((alike == 5)) && return
        before=$now
        sleep 0.2
    done
    fail "the screen keeps changing"
}

press() {
    local key
    for key in "$@"; do
        xdotool key "$key"
        sleep 0.15
    done
    settle
}

# cells X Y WIDTH HEIGHT OPTION...: runs ImageMagick with these options on these cells of the last shot.
cells() {
    local size width height
    size=$(convert "$work/shot.png" -format '%w %h' info:)
    read -r width height <<<"$size"
    local across=$((width / columns)) down=$((height / rows))
    local area="$(($3 * across))x$(($4 * down))+$(($1 * across))+$(($2 * down))"
    convert "$work/shot.png" -crop "$area" +repage "${@:5}" info:
}

# photo_in X Y WIDTH HEIGHT: waits until a photo is in these cells. Text has about twenty colours, most of them from
# antialiasing.
photo_in() {
    local colours waited
    for ((waited = 0; waited < 5; waited++)); do
        colours=$(cells "$@" -format '%k')
        ((colours < 64)) || break
        sleep 0.5
        settle
    done
    echo "$name: $colours colours in the cells $*"
    ((colours >= 64)) || fail "no photo in the cells $* ($colours colours)"
}

# is_heavy X Y: whether the bar is heavy in this cell. It fills two of eighteen rows of pixels; a light one fills one.
is_heavy() {
    local bar=${palette[6]}
    (($(cells "$1" "$2" 1 1 -fill black +opaque "$bar" -fill white -opaque "$bar" -format '%[fx:mean>=0.08]')))
}

# Writes the last shot and closes the terminal.
keep() {
    convert "$work/shot.png" +dither -colors 255 -define png:compression-level=9 -strip "PNG8:$out/$name.png"
    close_terminal
}

close_terminal() {
    kill "$terminal"
    wait "$terminal" 2>/dev/null || true
    terminal=
}

# Opens the virtual display.
open_display() {
    local number
    exec 9< <(exec Xvfb -screen 0 2000x1300x24 -noreset -nolisten tcp -displayfd 1 2>/dev/null)
    display_server=$!
    read -r -t 20 number <&9
    export DISPLAY=:$number
}
