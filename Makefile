# Enjambre: `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# Debian's nats-server is in /usr/sbin.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH):/usr/sbin

PROTOS := $(shell find proto -name '*.proto' -o -name 'buf*.yaml')
GENERATED := libs/proto/descriptors.binpb
JEST := NODE_OPTIONS=--experimental-vm-modules jest

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'

.PHONY: demo
demo: ready ## Run a real swarm on this machine: share, download, kill, resume, compare
	@node demo/dist/main.js

.PHONY: demo-nats
demo-nats: ready ## Run the same on a real nats-server, with a subscriber that counts the events
	@tools/need-nats-server.sh
	@node demo/dist/main.js --nats

# What is needed to run: in a new clone without checking types, which takes most of the time of a build.
.PHONY: ready
ready: $(GENERATED)
	@if [ -e cli/dist/.tsbuildinfo ]; then tsc -b; else node tools/transpile.mjs; fi

.PHONY: build
build: $(GENERATED) ## Install packages, generate code from proto/, compile
	@tsc -b

.PHONY: package
package: build ## Write a bundle that needs only Node to dist/: a folder, and an archive for scp or npm install -g (WITH_NODE=24: that has its own Node)
	@tools/package.sh

.PHONY: deb
deb: build ## Write a Debian package of it to dist/, with units for systemd (WITH_NODE=24: with its own Node)
	@tools/deb.sh

.PHONY: gen
gen: $(GENERATED) ## Generate code from proto/

.PHONY: lint
lint: node_modules/.tools build ## Check types, style, promises, direction of imports, unused code, protos, docs, manifests
	@tsc -p tsconfig.check.json
	@eslint .
	@prettier --check --log-level warn .
	@depcruise --config .dependency-cruiser.cjs --output-type err libs services cli/src demo bench simulator
	@knip --no-config-hints
	@tools/lint-proto.sh
	@node tools/describe-metrics.mjs --check
	@node tools/document-settings.mjs --check
	@node tools/wrap-docs.mjs --check
	@tools/check-monitoring.sh --if-there
	@$(MAKE) --no-print-directory check-deploy

.PHONY: check-deploy
check-deploy: node_modules/.tools build ## Render the overlays; check them and the compose file against schemas and our flags
	@node tools/kubectl.mjs >/dev/null
	@$(JEST) --silent $(addprefix test/deploy/,schemas manifests compose debian)

.PHONY: docs
docs: node_modules/.tools build ## Generate settings in docs/operations.md and metrics in docs/metrics.md; wrap documents
	@node tools/document-settings.mjs
	@node tools/describe-metrics.mjs
	@node tools/wrap-docs.mjs

.PHONY: check-monitoring
check-monitoring: ## Check the alerts and their tests with promtool (installs Debian's prometheus)
	@tools/check-monitoring.sh

.PHONY: test
test: node_modules/.tools build ## Run all tests
	@tools/need-nats-server.sh
	@tools/need-packages.sh prometheus iproute2
	@$(JEST) $(JEST_FLAGS)

NODES ?= 20 22 24

.PHONY: test-nodes
test-nodes: node_modules/.tools build ## Run the tests on Node 20, 22 and 24, from the npm registry (NODES=24; JEST_FLAGS as for test)
	@tools/need-nats-server.sh
	@tools/need-packages.sh prometheus
	@tools/test-nodes.sh $(NODES) -- $(JEST_FLAGS)

.PHONY: try-monitoring
try-monitoring: node_modules/.tools build ## Run a real Prometheus on a real swarm; check every query of dashboard and alerts
	@tools/need-nats-server.sh
	@tools/need-packages.sh prometheus
	@$(JEST) --verbose test/monitoring

.PHONY: storm
storm: node_modules/.tools build ## Kill messaging service and NATS under 10,000 messages: each arrives once
	@tools/need-nats-server.sh
	@STORM_MESSAGES=10000 STORM_SENDERS=20 STORM_RECEIVERS=20 $(JEST) test/storm

.PHONY: rolling
rolling: node_modules/.tools build ## Restart all trackers and the messaging service in turn under load: nothing is lost (ROLLING_TRACKERS)
	@tools/need-nats-server.sh
	@ROLLING_ROUNDS=$${ROLLING_ROUNDS:-5} ROLLING_AGENTS=$${ROLLING_AGENTS:-6} ROLLING_MIB=$${ROLLING_MIB:-32} $(JEST) test/rolling

.PHONY: try-upgrade
try-upgrade: build ## Build an older version (OLD=commit) and run it beside this one, in both directions
	@tools/try-upgrade.sh $(OLD)

.PHONY: crash
crash: node_modules/.tools build ## Kill an agent 100 times during downloads: every file correct, no false claim
	@CRASH_KILLS=100 CRASH_MIB=512 $(JEST) test/crash

.PHONY: attack
attack: build ## Attack each service as a stranger, beside honest downloads and messages (ATTACK_SCENARIO=NAME,… ATTACK_TARGET=checkout)
	@node test/attack/dist/main.js

.PHONY: chaos-trackers
chaos-trackers: node_modules/.tools build ## Kill trackers and NATS nodes, 3 of each, during downloads of 20 agents: all finish, all agree
	@tools/need-nats-server.sh
	@CHAOS_AGENTS=20 CHAOS_DOWNLOADS=10 CHAOS_MIB=32 CHAOS_ROUNDS=3 $(JEST) test/trackers

MUTATION_PARTS ?= core engine upload

.PHONY: mutation
mutation: node_modules/.tools build ## Mutate libs/core, the download engine and the upload scheduler: tests must fail (long)
	@status=0; for part in $(MUTATION_PARTS); do MUTATION_PART=$$part stryker run || status=1; done; exit $$status

.PHONY: fuzz
fuzz: node_modules/.tools build ## Give each reader of bytes from strangers 1,000,000 inputs (FUZZ_INPUTS, FUZZ_TARGET, FUZZ_SEED): none crashes, none takes 50 ms
	@FUZZ_INPUTS=$${FUZZ_INPUTS:-1000000} $(JEST) test/fuzz

.PHONY: bench
bench: bench-parts bench-pair bench-swarm bench-small bench-start bench-memory bench-tracker bench-messaging bench-events bench-restart bench-many bench-loop ## Run all benchmarks

.PHONY: bench-parts
bench-parts: build ## Measure the limits of the machine: read, send and receive, hash, write
	@node bench/dist/parts-main.js

.PHONY: bench-pair
bench-pair: build ## Measure one seeder to one downloader, compared with libtorrent, aria2 and curl
	@tools/need-packages.sh aria2 python3-libtorrent nginx-light curl
	@node bench/dist/pair-main.js

.PHONY: bench-swarm
bench-swarm: build ## Measure one seeder to 8 and 16 downloaders on limited links (requires root)
	@tools/need-packages.sh aria2 python3-libtorrent iproute2
	@node bench/dist/swarm-main.js

.PHONY: bench-small
bench-small: build ## Measure small downloads: 1 KiB, 1 MiB, 1000 small files
	@node bench/dist/small-main.js

.PHONY: bench-start
bench-start: build ## Measure the start of the command beside bare Node: checkout and bundle (BENCH_ROUNDS)
	@node tools/bundle.mjs >/dev/null
	@node bench/dist/start-main.js

.PHONY: bench-memory
bench-memory: build ## Measure the peak memory of both ends at 1, 4 and 16 GiB and 20,000 small files
	@tools/need-packages.sh aria2 python3-libtorrent
	@node bench/dist/memory-main.js

.PHONY: bench-tracker
bench-tracker: build ## Measure a tracker on one core: announces, lookups, memory of 10,000 agents
	@node bench/dist/tracker-main.js

.PHONY: bench-messaging
bench-messaging: build ## Measure messages: throughput and latency, in memory and JetStream
	@tools/need-nats-server.sh
	@node bench/dist/messaging-main.js

.PHONY: bench-events
bench-events: build ## Measure events: throughput and latency, in one process and over NATS
	@tools/need-nats-server.sh
	@node bench/dist/events-main.js

.PHONY: simulate
simulate: build ## Run whole swarms in virtual time; takes minutes (SIM_SCENARIO, SIM_SEED, SIM_ENGINE)
	@node simulator/dist/main.js

.PHONY: bench-restart
bench-restart: build ## Measure the restart of an agent with 100 shares of 1 GiB (BENCH_SHARES, BENCH_MIB)
	@node bench/dist/restart-main.js

.PHONY: bench-many
bench-many: build ## Measure 250, 500 and 1000 small files (BENCH_FILES): shared folder, shares, restart, removals
	@node bench/dist/many-main.js

.PHONY: bench-loop
bench-loop: build ## Measure event loop stalls with a share of 100,000 files (BENCH_FILES)
	@node bench/dist/loop-main.js

.PHONY: image-try
image-try: build ## Build the image and run all services from it, without Docker (requires root)
	@tools/image-try.sh

.PHONY: bench-size
bench-size: build ## Measure the resources of each process, idle and for one file (BENCH_AGENTS, BENCH_MIB)
	@node bench/dist/size-main.js

.PHONY: clean
clean: ## Remove all build output, installed packages included
	@rm -rf node_modules libs/*/dist services/*/dist cli/dist demo/dist bench/dist bench/results simulator/dist test/attack/dist dist libs/*/node_modules services/*/node_modules cli/node_modules demo/node_modules
	@rm -rf libs/proto/src/gen $(GENERATED) coverage reports .stryker-tmp

MANIFESTS := package.json package-lock.json $(filter-out node_modules/%,$(wildcard */package.json */*/package.json))
node_modules/.package-lock.json: $(MANIFESTS)
	@tools/install.sh build

# The tools of lint and test.
node_modules/.tools: node_modules/.package-lock.json
	@tools/install.sh tools

$(GENERATED): $(PROTOS) node_modules/.package-lock.json
	@tools/generate.sh
