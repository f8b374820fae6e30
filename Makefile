GO ?= go
PREFIX ?= /usr/local
DESTDIR ?=

# The architectures whose stubs ./mkinitfs carries: this machine's, or those given,
# as in make ARCHS="amd64 arm64 arm/v7 mipsle".
ARCHS ?=

.PHONY: all test test-fast needs install help

all: ## build ./mkinitfs with this machine's stubs in it (the default)
	$(GO) run ./builder/stub/embed $(ARCHS)
	CGO_ENABLED=0 $(GO) build -trimpath -tags mkinitfs_stubs -o mkinitfs ./cmd/mkinitfs

test: needs ## fetch what the tests need, then run them all, boots included
	$(GO) test -timeout 30m ./...

test-fast: ## run the tests that need no boot
	MKINITFS_TEST_FAST=1 $(GO) test ./...

# What cannot be had is said here, and the tests that want it are skipped.
needs:
	@internal/testenv/packages.sh
	@internal/testenv/kernel.sh amd64 >/dev/null || true
	@internal/testenv/debian-root.sh >/dev/null || true

install: mkinitfs ## install into $(DESTDIR)$(PREFIX)/bin
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 0755 mkinitfs "$(DESTDIR)$(PREFIX)/bin/mkinitfs"

# So that "sudo make install" takes what "make" has built, and builds nothing.
mkinitfs:
	$(MAKE) all

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12
