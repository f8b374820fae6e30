GO ?= go
PREFIX ?= /usr/local
DESTDIR ?=

# The architectures whose stubs ./mkinitfs carries: this machine's, or those given,
# as in make ARCHS="amd64 arm64 arm/v7 mipsle".
ARCHS ?=

# The kernels that tests boot; "make test-all" boots every one that kernel.sh knows.
KERNELS = amd64 amd64-pc amd64-sid mipsle uml
BUSYBOXES = amd64 mipsel
# The sysroots that tests take libraries from, each an architecture and a size.
SYSROOTS = amd64-small arm64-small
ALL_KERNELS = $(shell sed -n 's/^\([a-z0-9.-]*\). *set -- .*/\1/p' internal/testenv/kernel.sh)

# "go test" with the ten slowest tests and the reasons of skips at the end.
GOTEST = $(GO) run ./internal/testenv/gotest

.PHONY: all new-enough test test-all test-fast race check-deep bench needs install help

all: new-enough ## build ./mkinitfs with this machine's stubs in it (the default)
	$(GO) run ./builder/stub/embed $(ARCHS)
	CGO_ENABLED=0 $(GO) build -trimpath -tags mkinitfs_stubs -o mkinitfs ./cmd/mkinitfs

test test-all test-fast race bench: new-enough

# Go from 1.21 on fetches the one that go.mod wants, unless GOTOOLCHAIN=local forbids it.
new-enough:
	@want=$$(sed -n 's/^go //p' go.mod); \
	have=$$(GO111MODULE=off GOTOOLCHAIN=local $(GO) version 2>/dev/null | sed -n 's/^go version go\([0-9.]*\).*/\1/p'); \
	first() { printf '%s\n' "$$@" | sort -V | head -n 1; }; \
	if [ -z "$$have" ]; then why="there is no $(GO)"; \
	elif [ "$$(first $$want $$have)" = $$want ]; then exit 0; \
	elif [ "$$(first 1.21 $$have)" = 1.21 ] && [ "$$(GO111MODULE=off $(GO) env GOTOOLCHAIN)" != local ]; then exit 0; \
	else why="$(GO) is of version $$have"; fi; \
	echo "make: mkinitfs wants Go $$want or newer, $$why" >&2; \
	echo "  install one from https://go.dev/dl, or name one: make GO=/path/to/go" >&2; exit 1

test: needs ## fetch what the tests need, then run them all, boots included
	$(GOTEST) -timeout 60m ./...

test-all: export MKINITFS_TEST_MATRIX = 1
test-all: KERNELS = $(ALL_KERNELS)
test-all: BUSYBOXES = amd64 i386 armhf mipsel s390x
test-all: SYSROOTS = amd64-small arm64-small amd64-large arm64-large
test-all: needs ## the same on every kernel and architecture that can be had, with a table of them
	@table=$$(mktemp); MKINITFS_TEST_TABLE=$$table $(GOTEST) -timeout 120m ./...; status=$$?; \
	{ printf 'KERNEL\tLINUX\tARCH\tROOT\tCODEC\tMIB\tSECONDS\tRESULT\n'; sort "$$table"; } | expand -t 14,42,52,60,68,74,83; \
	rm "$$table"; exit $$status

test-fast: ## run the tests that need no boot
	MKINITFS_TEST_FAST=1 $(GO) test ./...

# The packages with goroutines, processes or locks. The encoder of xz has none, and would take
# minutes more if the detector looked at each of its memory accesses.
ENCODER = $(foreach p,lz lzma2,-gcflags=github.com/mkinitfs/mkinitfs/compress/$(p)=-race=false)
race: ## run the builder's tests under the race detector, in minutes
	MKINITFS_TEST_FAST=1 $(GOTEST) -race $(ENCODER) -timeout 30m \
		./builder/... ./compress ./compress/gzip ./compress/lz4 ./compress/xz ./compress/zstd ./internal/cache ./internal/container

check-deep: race ## the same, then fuzz each target for a minute and look for known vulnerabilities
	internal/testenv/fuzz.sh 1m
	internal/testenv/vulncheck.sh

bench: ## measure mkinitfs beside other tools into docs/speed.md, in an hour (BENCH="-only build,list -runs 3")
	@internal/testenv/packages.sh
	@$(GO) run ./internal/bench -doc docs/speed.md $(BENCH)

# What cannot be had is said here, and the tests that want it are skipped.
needs:
	@internal/testenv/packages.sh
	@for k in $(KERNELS); do internal/testenv/kernel.sh $$k >/dev/null || true; done
	@internal/testenv/debian-root.sh >/dev/null || true
	@for a in $(BUSYBOXES); do internal/testenv/busybox.sh $$a >/dev/null || true; done
	@internal/testenv/klibc.sh >/dev/null || true
	@internal/testenv/dropbear.sh >/dev/null || true
	@for s in $(SYSROOTS); do internal/testenv/sysroot.sh $${s%-*} $${s#*-} >/dev/null || true; done
	@internal/testenv/selinux-policy.sh >/dev/null || true

install: mkinitfs ## install into $(DESTDIR)$(PREFIX)/bin
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 0755 mkinitfs "$(DESTDIR)$(PREFIX)/bin/mkinitfs"

# So that "sudo make install" takes what "make" has built, and builds nothing.
mkinitfs:
	$(MAKE) all

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12
