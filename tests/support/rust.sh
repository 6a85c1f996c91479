#!/usr/bin/env bash
# Sourced: gives the function `rust_ensure`, which checks that what builds
# coasti is there and new enough, and says how to get it where it is not.

# rust_ensure ROOT: ROOT is the folder of Cargo.toml.
rust_ensure() {
  local needed found
  needed=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$1/Cargo.toml")
  # A shell that was open before Rust came does not have it in its PATH.
  if ! command -v cargo >/dev/null 2>&1 && [ -x "$HOME/.cargo/bin/cargo" ]; then
    export PATH=$HOME/.cargo/bin:$PATH
  fi
  if ! command -v cargo >/dev/null 2>&1 || ! command -v rustc >/dev/null 2>&1; then
    printf '%s\n' "coasti is built with Rust $needed or newer, and there is none here (no cargo in PATH)." \
      "Get it from https://rustup.rs, open a new shell, and run this again." >&2
    return 1
  fi
  found=$(rustc --version | sed 's/^rustc \([0-9][0-9.]*\).*/\1/')
  if [ "$(printf '%s\n%s\n' "$needed" "$found" | sort -V | head -n 1)" != "$needed" ]; then
    printf '%s\n' "coasti is built with Rust $needed or newer; this is $found ($(command -v rustc))." \
      "With rustup: rustup update stable. Without it (a distribution's package is often too old):" \
      "get it from https://rustup.rs, open a new shell, and run this again." >&2
    return 1
  fi
  if ! command -v cc >/dev/null 2>&1; then
    printf '%s\n' "Rust needs a C compiler to link with, and there is none here. Run:" \
      "  sudo apt-get install gcc libc6-dev" "and then this again." >&2
    return 1
  fi
}
