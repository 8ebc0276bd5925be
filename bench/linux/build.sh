#!/bin/sh
# Build init + initramfs.  Needs: gcc-riscv64-linux-gnu, cpio
set -eu
cd "$(dirname "$0")"; mkdir -p out/files
riscv64-linux-gnu-gcc -static -O2 -pthread -Wall -Wno-unused-result -o out/files/init bench.c moments.c
riscv64-linux-gnu-gcc -nostdlib -static -o out/files/tiny tiny.S
riscv64-linux-gnu-strip out/files/init out/files/tiny
mkdir -p out/files/dev
(cd out/files && find . | LC_ALL=C sort | cpio -o -H newc --reproducible -R 0:0 2>/dev/null) > out/initramfs.cpio
ls -l out/initramfs.cpio out/files/init out/files/tiny
