#!/bin/sh
# Runs cargo. Where there is none, or only one too old for this workspace, installs Debian's (package cargo-web).
set -eu
cd "$(dirname "$0")/.."

# Release 1.85 is the first that knows edition 2024.
new_enough() {
    version=$("$1" --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
    [ "${version:-0}" -ge 85 ] && command -v cc >/dev/null
}

for cargo in cargo "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" /usr/bin/cargo; do
    new_enough "$cargo" && exec "$cargo" "$@"
done

packages="cargo-web rustc-web rust-web-clippy rustfmt-web gcc libc6-dev git ca-certificates"
if [ "$(id -u)" = 0 ]; then sudo=env; else sudo=sudo; fi
if ! command -v apt-get >/dev/null || ! command -v "$sudo" >/dev/null; then
    echo "This needs Rust 1.85 or later and a C compiler. On Debian, as root:" >&2
    echo "    apt-get update && apt-get install --no-install-recommends $packages" >&2
    exit 1
fi
echo "==> installing Debian packages: $packages" >&2
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >&2
exec /usr/bin/cargo "$@"
