# The one list of commands. `make help` prints it.
.DEFAULT_GOAL := help
.PHONY: help demo test test-quick test-opensearch-3 check up down status clean-servers drill-fleet drill-rolling drill-failover drill-alerts drill-gate drill-each chaos simulate mutants peers load

# One profile for every test, so that nothing is compiled twice.
WORKSPACE := --profile ci --workspace
# What is measured is a release build.
RELEASED := FOOTFALL_DRILL_BINARY=$(CURDIR)/target/release/footfall FOOTFALL_DRILL_BENCHES=$(CURDIR)/target/release/benches

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Build Footfall and open it on sample traffic; needs Rust, a C and C++ compiler, OpenSSL's headers and make, no servers
	@deploy/install.sh demo
	cargo run --profile ci -p footfall -- demo

test: ## Everything: check, pure tests, tests against real servers, the page in a browser
	@deploy/install.sh test
	@python3 .ci/rings.py

test-quick: ## The tests that need no servers
	@deploy/install.sh quick
	@python3 .ci/rings.py quick

test-opensearch-3: ## OpenSearch's tests on three nodes, of which one is killed or frozen; some minutes, 1.8 GB
	@deploy/install.sh servers
	@.ci/opensearch-3

check: ## Formatting, lints, documentation, dependency direction, scripts: before each commit
	@deploy/install.sh quick
	cargo fmt --all --check
	python3 .ci/dependency-direction.py
	@.ci/check-scripts
	@.ci/check-rules
	@.ci/check-limits
	python3 .ci/scripts_test.py
	python3 benches/peers/peers_test.py
	python3 benches/load/load_test.py
	python3 chaos/drills/storm_test.py
	cargo clippy $(WORKSPACE) --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc $(WORKSPACE) --no-deps --document-private-items

up: ## Start Kafka, Redis, OpenSearch and Prometheus on this machine (NODES=3: three OpenSearch nodes)
	@deploy/install.sh servers
	@deploy/up.sh

down: ## Stop them; their data stay
	@deploy/down.sh

status: ## Say what runs, with PIDs and ports
	@deploy/status.sh

drill-fleet: ## A million events, processors added, killed and emptied on the way; everything compared; some minutes
	@deploy/install.sh servers
	python3 chaos/drills/fleet.py

drill-rolling: ## Three processors restarted one after the other under load; the worst freshness
	@deploy/install.sh servers
	python3 chaos/drills/rolling.py

drill-failover: ## Redis' primary killed under load, with Sentinel and in a cluster
	@deploy/install.sh servers
	python3 chaos/drills/failover.py sentinel
	python3 chaos/drills/failover.py cluster

drill-alerts: ## Every alert fires and resolves on a real Prometheus, by real faults; Linux, some ten minutes, 2 GB
	@deploy/install.sh test
	.footfall/software/venv/bin/python chaos/drills/alerts.py

drill-gate: ## People ask two gateways for seats while brokers, gateways, Redis and processors die; each answer held against the log; some twenty minutes
	@deploy/install.sh test
	.footfall/software/venv/bin/python chaos/drills/gate.py

drill-each: ## Every kind of process and server killed once, alone: what waited, for how long, what was lost; writes docs/single-failures.md; some twelve minutes
	@deploy/install.sh chaos
	.footfall/software/venv/bin/python chaos/drills/each.py --keep

chaos: ## An hour of faults in every process and server under load, all held against the log; writes docs/chaos.md (CHAOS='--minutes N': no result)
	@deploy/install.sh chaos
	.footfall/software/venv/bin/python chaos/drills/chaos.py $(or $(CHAOS),--minutes 60 --keep)

simulate: ## The simulator: real processors on stores in memory, a million seeds (SIMULATE='--seeds N'); no servers, some hours
	@deploy/install.sh quick
	cargo run --release -p chaos --features override-malloc --bin simulate -- $(or $(SIMULATE),--seeds 1000000)

mutants: ## The simulator finds every fault made on purpose: how many seeds each takes; some minutes
	@deploy/install.sh quick
	cargo run --release -p chaos --features override-malloc --bin simulate -- --mutant all --seeds 2000

clean-servers: ## Stop every instance and delete the servers' data and software
	@deploy/clean.sh all

peers: ## Seats by locks, by scripts and by the log, on one machine under the same rush; writes docs/admission.md; half an hour, a JDK
	@deploy/install.sh test
	cargo build --release -p footfall -p benches --bins
	$(RELEASED) .footfall/software/venv/bin/python benches/peers.py

load: ## Load tests of the gateway: a rush and steady traffic, written to docs/load; k6, some twenty minutes (LOAD=--short: less, no result)
	@deploy/install.sh load
	cargo build --release -p footfall -p benches --bins
	$(RELEASED) .footfall/software/venv/bin/python benches/load.py $(LOAD)
