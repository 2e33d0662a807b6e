# Two commands to know: `make demo` and `make test`. Each installs what it needs first.
SHELL := /bin/bash
ARGS ?=
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help demo test setup setup-dev lint format bench bench-peers docs eval-thrown eval-signals eval-fire eval-structures clean

help: ## What there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## ?/\1\t/' | while IFS=$$'\t' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

demo: setup ## Start everything with sample cameras and sensors (ARGS=--once: until every episode has arrived, then stop)
	@$(BIN)/python -m samples.demo $(ARGS)

test: setup-dev ## Checks and the whole test suite
	@scripts/test.sh $(ARGS)

setup: ## Install what the demo needs, beside the project
	@scripts/setup.sh run

setup-dev:
	@scripts/setup.sh dev

lint: setup-dev ## Formatting, types, import walls, schemas up to date
	@scripts/lint.sh

format: setup-dev ## Put Python files into form
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

bench: setup-dev ## Measure what must be fast; rows in var/bench/*.json
	@$(BIN)/python -m tests.bench $(ARGS)

bench-peers: setup-dev ## Install the programs that the bench compares with (~6 GB, beside the project in var/bench/peers)
	@scripts/bench_peers.sh

SUITE := var/suite-thrown
eval-thrown: setup-dev ## Figures of the fall detector on a generated suite (made on the first call); rows in var/eval-thrown.json
	@$(BIN)/python -m samples.facade --suite --keep --seed 7 --out $(SUITE)
	@$(BIN)/gridsentry-edge replay $(SUITE) --config $(SUITE)/edge.yaml --out $(SUITE)/events.jsonl
	@$(BIN)/gridsentry-edge eval $(SUITE)/truth.yaml $(SUITE)/events.jsonl --json var/eval-thrown.json

eval-signals: setup-dev ## Figures of the traffic signal detector on rendered junctions, then on real pictures; rows in var/eval-signals*.json (ARGS=--quick: a minute)
	@$(BIN)/python -m samples.junction.evaluate $(ARGS); code=$$?; if [ $$code -gt 1 ]; then exit $$code; fi; \
	$(BIN)/python -m tests.evaluate.signals_real && exit $$code

eval-fire: setup-dev ## Figures of fire and smoke: stills against a peer, then rendered and real clips; rows in var/eval-fire*.json (ARGS=--quick: less)
	@$(BIN)/gridsentry-models fetch fire_detector --store var/models || echo "eval-fire: without the peer"
	@test -e var/models/fire_detector-1.0.3-f32.onnx || $(BIN)/gridsentry-models convert fire_detector --store var/models || echo "eval-fire: without the peer"
	@$(BIN)/python -m models.fire_smoke.evaluate; code=$$?; if [ $$code -gt 1 ]; then exit $$code; fi; \
	$(BIN)/python -m samples.fire.evaluate $(ARGS) && exit $$code

eval-structures: setup-dev ## Figures of drone surveys: places of pixels, then generated towns from pictures to what is told; rows in var/eval-*.json (ARGS='--built 2 --quiet-km2 0.1': minutes, not hours)
	@$(BIN)/python -m samples.positioning; code=$$?; if [ $$code -gt 1 ]; then exit $$code; fi; \
	$(BIN)/python -m samples.town.evaluate $(ARGS) && exit $$code

docs: setup-dev ## Regenerate schemas, API reference and the console's client types
	@scripts/docs.sh

clean: ## Forget what was built or recorded, keep the installation
	@rm -rf var server/console/dist .pytest_cache .mypy_cache .ruff_cache
