# Posto on this machine. `make up` is all it takes; `.venv/bin/posto --help` has the rest.
.DEFAULT_GOAL := help
.PHONY: help up down clean status test bench nightly chaos mutations

INSTALLED := .venv/.installed
POSTO := .venv/bin/posto

help: ## show these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: export POSTO_BROKERS := $(or $(BROKERS),$(POSTO_BROKERS))
up: $(INSTALLED) ## start everything and send a first invoice and a first message through
	@$(POSTO) up

down: $(INSTALLED) ## stop everything, keep the data
	@$(POSTO) down

clean: $(INSTALLED) ## stop everything, drop the data
	@$(POSTO) clean

status: $(INSTALLED) ## show what runs
	@$(POSTO) status || true

test: $(INSTALLED) ## lint, types, import rules, unit, integration and end-to-end tests, one summary
	@.venv/bin/python -m tests.run

bench: $(INSTALLED) ## measure everything beside its peers (ONLY=router,chain some of it; QUICK=1 in small)
	@.venv/bin/python -m bench

RUNS := 5
SEED := 1
chaos: $(INSTALLED) ## break things by seeds and look whether all holds (RUNS=60 SEED=1; RESUME=1 goes on)
	@.venv/bin/python -m tests.chaos --runs $(RUNS) --seed $(SEED) $(if $(RESUME),--resume)

mutations: $(INSTALLED) ## put classic mistakes back, one at a time, and see each of them caught
	@.venv/bin/python -m tests.chaos.mutations

nightly: export HYPOTHESIS_PROFILE := nightly
nightly: export PYTEST_TIMEOUT := 7200
nightly: test bench ## everything, each property with forty times as many examples

# The stamp is made last, so an interrupted installation is taken up again.
$(INSTALLED): requirements.lock pyproject.toml infra/bootstrap
	@infra/bootstrap
	@touch $@
