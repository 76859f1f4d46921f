# `make` prints what there is to do. Two commands are enough on a fresh machine: `make serve` and `make test`.
#
# Each goal first runs scripts/setup, which does only what is missing (about a second when nothing is).

CONFIGURATION ?= release
SERVE_ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=
MODEL ?= Models/fledgling.Q8_0.gguf
FUZZ_SECONDS ?= 30
SEEDS ?= 500
STEPS ?= 2000
FROM ?= 1
SECONDS ?= 86400
PLAN ?=
PREFIX ?= /usr/local
DIST ?= dist
DESTDIR ?=
CLIENTS ?=

# The only place that knows how to build: where the description of libllama lies and where its libraries are at run time.
export PKG_CONFIG_PATH := $(CURDIR)/.deps/pkgconfig
# An installed program finds libllama in ../lib/martlet, see `make install`; a program of this folder finds it in .deps.
ORIGIN := $(if $(filter Darwin,$(shell uname -s)),@executable_path,$$ORIGIN)
RUN_PATH := -Xlinker -rpath -Xlinker '$(ORIGIN)/../lib/martlet' -Xlinker -rpath -Xlinker $(CURDIR)/.deps/llama/lib
# Tests are written with Swift Testing; without this flag an empty XCTest run is reported as well.
TEST := --disable-xctest $(RUN_PATH)
# Tests that start engines and servers wait for time limits when all of them run at once.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 4
TIMED := scripts/timed

# What `make check` runs under the sanitizers: the parts with threads, shared memory or pointers.
CHECKED := LlamaTests|MartletEngineTests|MartletWorkersTests|MartletStreamsTests|MartletGenerationsTests|MartletProtocolTests|MartletJSONTests

SWIFT_SOURCES := Package.swift Sources Tests Fuzz/Package.swift Fuzz/Sources/martlet-fuzz
FUZZ_TARGETS := json jinja frames requests fields messages output gguf grammar encodedGrammar schema pattern journals cachefiles conversations bodies chunks arguments

.DEFAULT_GOAL := help
.PHONY: help setup page test-page test-browser screenshots build install dist serve test test-swift test-fledgling test-clients check check-thread check-address fuzz simulate \
	simulate-mutants bench format lint clean distclean

help: ## this list
	@echo "make <goal>, with these goals:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo "Variables: CONFIGURATION=debug|release  SERVE_ARGS='--port 9000'  TEST_ARGS='--filter Jinja'"
	@echo "           BENCH_ARGS, MODEL (for bench), FUZZ_SECONDS=30, LIBLLAMA=homebrew (macOS), GPU=cuda|rocm|vulkan|none, CMAKE_ARGS"
	@echo "           PREFIX=/usr/local and DESTDIR (for install), DIST=dist (for dist)"

setup: ## system packages, libllama, Python packages: what is missing
	@scripts/setup

page: ## the chat page, into Web/dist; without the JavaScript packages it says what to install
	@scripts/page

screenshots: build ## pictures of the chat page, into docs/images, with checks of layout and accessibility
	@[ -x .deps/browser/bin/python ] || { python3 -m venv .deps/browser && \
		.deps/browser/bin/python -m pip install --quiet -r scripts/requirements-browser.txt; }
	@$(TIMED) "screenshots" .deps/browser/bin/python scripts/screenshots .build/$(CONFIGURATION)/martlet

build: setup page ## the program, into .build/$(CONFIGURATION)/martlet; debug information of a release is beside it
	@$(TIMED) "build ($(CONFIGURATION))" scripts/split-debug $(CONFIGURATION) \
		scripts/progress "build ($(CONFIGURATION))" \
		swift build --configuration $(CONFIGURATION) --product martlet $(RUN_PATH)

install: build ## program, libllama, demo model, man page and shell completions, into PREFIX
	@scripts/install .build/$(CONFIGURATION)/martlet "$(DESTDIR)$(PREFIX)"

dist: build ## a tarball that runs from any folder, and a Debian package, into DIST=dist
	@$(TIMED) "distribution" scripts/dist .build/$(CONFIGURATION)/martlet $(DIST)
	@$(TIMED) "the tarball in a root without anything" scripts/dist-check $(DIST)/martlet-*-linux-*.tar.gz
	@! command -v dpkg-deb >/dev/null || $(TIMED) "the package in a fresh Debian" scripts/package-check $(DIST)/martlet_*.deb

serve: build ## everything up to a running server with a model; flags in SERVE_ARGS
	@exec .build/$(CONFIGURATION)/martlet serve $(SERVE_ARGS)

test: test-page test-swift test-fledgling test-browser ## everything, then all tests; more flags for `swift test` in TEST_ARGS

# One debug build serves the unit tests and the integration tests, which start the `martlet` beside their own bundle.
test-swift: setup page
	@$(TIMED) "build of program and tests (debug)" swift build --build-tests $(RUN_PATH)
	@$(TIMED) "swift tests" scripts/swift-tests --skip-build $(TEST) $(TEST_ARGS)

# The engine of the chat page in Node; without node and esbuild it says so.
test-page: setup
	@$(TIMED) "unit tests of the page" scripts/page-tests

# The page in a headless browser behind a proxy that fails; without a Chromium it says so. Uses the debug build of the tests.
test-browser: setup
	@$(TIMED) "browser tests of the page" scripts/page-browser-tests

# The recipe must go on making the conversations that the shipped model learned from.
test-fledgling: setup
	@cd tools && $(CURDIR)/$(TIMED) "fledgling's recipe" $(CURDIR)/.deps/python/bin/python -m unittest discover -t . -s fledgling/tests

# Packages of these clients: .deps/clients, 1 GiB. CLIENTS='litellm aider' selects some.
test-clients: build ## client libraries and programs against the server: installs them first; CLIENTS='openai llm' selects
	@$(TIMED) "client tests" scripts/client-tests --install --binary .build/$(CONFIGURATION)/martlet $(CLIENTS)

check: check-thread check-address fuzz ## thread and address sanitizers, then each fuzz target for FUZZ_SECONDS

# libllama is not instrumented: what it does to its own memory is not seen. Suppressions cover only what it makes the
# sanitizer's wrappers of malloc and memcpy see. Swift's own crash reporter reads memory that the sanitizer guards, and
# Swift tags pointers in enums, so that constants look like leaks.
check-thread: setup
	@TSAN_OPTIONS="halt_on_error=1 suppressions=$(CURDIR)/scripts/thread-sanitizer.txt" SWIFT_BACKTRACE=enable=no \
		$(TIMED) "tests under the thread sanitizer" swift test --sanitize=thread --scratch-path .build-thread \
		$(TEST) --filter '$(CHECKED)'

check-address: setup
	@ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no \
		$(TIMED) "tests under the address sanitizer" swift test --sanitize=address --scratch-path .build-address \
		$(TEST) --filter '$(CHECKED)'

fuzz: setup ## fuzz targets alone, each for FUZZ_SECONDS
	@scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

simulate: setup ## the core with simulated clients, disk and worker: SEEDS=500, SECONDS, PLAN='seed=…' for one story
	@$(TIMED) "build of the simulation" swift build --configuration release --product martlet-simulate
	@$(if $(PLAN),.build/release/martlet-simulate --plan '$(PLAN)',.build/release/martlet-simulate \
		--seeds $(SEEDS) --from $(FROM) --steps $(STEPS) --seconds $(SECONDS))

simulate-mutants: setup ## small damages to the core, each of which the simulation must find within 30 seconds
	@scripts/simulate-mutants

bench: build ## what a token and a request cost, then the running program; flags in BENCH_ARGS
	@cd Benchmarks && $(CURDIR)/$(TIMED) "micro-benchmarks" $(CURDIR)/scripts/micro-benchmarks
	@$(TIMED) "the running program" .deps/python/bin/python scripts/measure.py \
		--binary .build/$(CONFIGURATION)/martlet --model $(MODEL) $(BENCH_ARGS)

format: ## lay the sources out by .swift-format
	@swift format --in-place --parallel --recursive $(SWIFT_SOURCES)

lint: ## what CI refuses: layout, style, trailing blanks
	@$(TIMED) "lint" scripts/lint $(SWIFT_SOURCES)

clean: ## remove what the builds made
	rm -rf .build .build-thread .build-address Fuzz/.build

distclean: clean ## also remove what the set-up made
	rm -rf .deps
