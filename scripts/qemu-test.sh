#!/bin/sh
# The marker contract's front door: one selftest run in the emulator, judged by `cargo xtask qemu-test`.
#
#   SMP=<1..8>            harts (1)
#   REQUIRE_SMP=1         refuse to pass on fewer than two harts
#   RUN_UNTIL_MARKER=1    end with the selftests; or the text of a marker to stop at
#   RUN_TIMEOUT=90s       bound of the run: 90s, 2m
#
# Exit status: 0 all well, 124 timed out, 1 anything else, said in words.
exec "$(dirname "$0")/cargo.sh" xtask qemu-test
