# What a person does with this repository. Each target is one script, or one cargo command with a Rust that is new enough.
.DEFAULT_GOAL := help
.PHONY: help build deb rpm demo test bench fuzz lint clean

SECONDS_PER_TARGET ?= 60

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## ca, jit and pam_jit.so, optimised, in target/release (installs the compiler where it is missing: root)
	@scripts/install-build-needs
	scripts/with-rust cargo build --release --workspace

deb: ## the Debian packages jit-ca, jit-host and libpam-jit, in target/packages/deb (installs what building them needs: root)
	@scripts/install-build-needs
	@scripts/install-package-needs
	@scripts/make-deb

rpm: ## the same three for EL10, in target/packages/rpm
	@scripts/install-build-needs
	@scripts/install-package-needs
	@scripts/make-rpm

demo: ## the whole story in two minutes, with a private sshd; changes nothing on the machine (root)
	@scripts/demo

test: ## every tier of tests; installs what they need (root)
	@scripts/install-build-needs
	@scripts/install-test-needs
	@scripts/test

bench: ## the numbers in docs/benchmarks.md, measured on this machine (root)
	@scripts/install-build-needs
	@scripts/install-test-needs
	@scripts/bench

fuzz: ## every fuzz target, SECONDS_PER_TARGET=60 each
	@scripts/install-build-needs
	@scripts/install-test-needs
	@scripts/fuzz $(SECONDS_PER_TARGET)

lint: ## formatting and clippy, warnings are errors
	scripts/with-rust cargo fmt --all --check
	scripts/with-rust cargo clippy --workspace --all-targets -- --deny warnings

clean: ## remove what was built, the bare machine included
	rm -rf target fuzz/target
