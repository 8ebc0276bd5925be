# Thin fronts of `cargo xtask`, which installs what is missing and does the work (tools/xtask).

.DEFAULT_GOAL := help
.PHONY: help run test bench bench-linux ci doctor clean test-os diag-os dep-gate fuzz coverage mutants docs swarm \
	report-test figures

XTASK := scripts/cargo.sh xtask

help:      ## this list
	@sed -n 's/^\([a-z-]*\): *\(.*\)## */  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

run:       ## boot to a shell on this terminal (Ctrl-A X leaves)
	@$(XTASK) run

test:      ## host tests and every run in the emulator
	@$(XTASK) test

bench:     ## measure, and compare with Linux, seL4 and xv6
	@$(XTASK) bench

bench-linux: ## have Linux measure itself on the same emulator
	@$(XTASK) bench-linux

ci:        ## exactly what .ci/run runs: formatting, lints, rules, tests, bench
	@$(XTASK) ci

doctor:    ## what is installed, what is missing
	@$(XTASK) doctor

clean:     ## remove target/
	@scripts/cargo.sh clean

test-os:   ## selftests at 1, 2 and 4 harts, and that idle means idle
	@$(XTASK) test-os

diag-os:   ## the RISC-V half compiles without warnings
	@$(XTASK) diag-os

dep-gate:  ## layers, licences, duplicates
	@$(XTASK) dep-gate

fuzz:      ## ten million hostile system calls on 1 and 2 harts, and long random histories of the policies
	@$(XTASK) fuzz

coverage:  ## which lines of the policy libraries no test runs; fails below 95 %
	@$(XTASK) coverage

mutants:   ## which changes of the policy libraries no test notices (an hour)
	@$(XTASK) mutants

docs:      ## regenerate the pages that repeat code
	@$(XTASK) docs

swarm:     ## seed after seed in the simulator, with faults, until stopped
	@scripts/cargo.sh run --quiet -p sim -- swarm --seeds 0

report-test: ## the simulator's page in a real browser
	@$(XTASK) report-test

figures:   ## draw the simulator's pictures of docs/power again
	@scripts/cargo.sh run --quiet -p sim -- figures
