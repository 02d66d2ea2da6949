#!/usr/bin/env bash
# Puts this entry into a checkout of the fetch-by-similarity benchmark, in place of its reference implementation.
# Usage: install.sh CHECKOUT   (needs cargo; the harness itself needs Python with NumPy)
#
# The harness stays as it is. The folders that a participant replaces, `submission` and `scripts`, are kept as
# `submission.reference` and `scripts.reference`. The harness builds before every run, through scripts/build_task.sh.
set -euo pipefail
entry=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=${1:?usage: install.sh CHECKOUT}
[ -f "$checkout/harness/run_submission.py" ] || { echo "$checkout has no harness/run_submission.py" >&2; exit 1; }

for folder in submission scripts; do
    [ -e "$checkout/$folder.reference" ] || mv "$checkout/$folder" "$checkout/$folder.reference"
    rm -rf "${checkout:?}/$folder"
    mkdir "$checkout/$folder"
done
cp "$entry/README.md" "$checkout/submission/"

# The harness runs this one first. There is nothing to fetch.
printf '#!/usr/bin/env bash\n' > "$checkout/scripts/get_openfhe.sh"

{
    printf '#!/usr/bin/env bash\n# Usage: build_task.sh SUBMISSION\nset -euo pipefail\nentry=%q\n' "$entry"
    cat <<'SCRIPT'
cargo build --release --locked --quiet --manifest-path "$entry/Cargo.toml"
target=${CARGO_TARGET_DIR:-$entry/../../../target}
mkdir -p "$1/build"
for stage in client_key_generation client_encode_encrypt_db client_encode_encrypt_query server_encrypted_compute \
    client_decrypt_decode; do
    ln -sf "$(cd "$target/release" && pwd)/fetch-by-similarity" "$1/build/$stage"
done
SCRIPT
} > "$checkout/scripts/build_task.sh"
chmod +x "$checkout"/scripts/*.sh

echo "Installed. In $checkout run: python3 harness/run_submission.py 1 --num_runs 3 [--count_only]"
