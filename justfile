# The common commands. `just` lists them; each line can also be typed by hand.

# List the recipes.
default:
    @just --list

# Build the program: target/release/cipherlens.
build:
    cargo build --release --locked

# Run the program, for example `just run search beach.jpg`.
run *arguments:
    cargo run --release --locked -- {{ arguments }}

# Run all tests of all packages, documentation tests included.
test:
    cargo test --release --locked

# Run one test binary of the program, or a part of it, for example `just test-one program tui::keys::`.
test-one binary="program" *filter:
    cargo test --release --locked --test {{ binary }} -- {{ filter }}

# Run the unit tests of one package, for example `just test-unit cipherlens-ckks layout::`.
test-unit package="cipherlens" *filter:
    cargo test --release --locked --package {{ package }} --lib -- {{ filter }}

# Format all sources.
format:
    cargo fmt --all

# Check formatting and lints, as the gate does.
lint:
    cargo fmt --all --check
    cargo clippy --release --all-targets --locked -- --deny warnings

# Run everything that must pass before a change is merged.
gate:
    .ci/run

# Build the documentation of the library; broken links are errors.
docs:
    RUSTDOCFLAGS="--deny warnings --allow rustdoc::private_intra_doc_links" cargo doc --release --no-deps --locked

# Measure encrypted search and the network on this machine.
bench:
    cargo run --release --locked -- bench
    cargo run --release --locked -- bench --features

# Compare with other software on this machine; needs Python, pip and a network.
bench-peers:
    benches/peers/plain_scan.sh
    benches/peers/resnet50.sh
    benches/peers/tenseal.sh

# Take the screenshots again, all or the named ones; needs Xvfb, xterm and mlterm.
screenshots *names:
    screenshots/make.sh {{ names }}

# Run the checks that are slow, measure time, or need more than Rust.
long:
    .ci/long/pace
    .ci/long/tmux-pixels
    .ci/long/fuzz
    .ci/long/security
    .ci/long/forgery
    .ci/long/aarch64

# Check licences, bans and sources on all platforms; needs cargo-deny.
deny:
    cargo deny check licenses bans sources
