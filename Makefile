# `make help` lists what there is. Every target sets up what it needs; PYTHON and EXTRAS may be given.
PYTHON ?= python3.11
EXTRAS ?= dev,train
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell echo '$(EXTRAS)' | tr ',' '-')
RECORDING := examples/question.wav
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test check train-setup clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## everything needed to talk and to test: leaves .venv/bin/duologue

$(READY): pyproject.toml constraints.txt .ci/system.sh
	sh .ci/system.sh $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

demo: setup ## a shipped recording through the model: the answer, the timeline, and where they lie
	$(BIN)/duologue talk --input $(RECORDING) --output out/answer.wav --events out/events.jsonl --timeline out/timeline.html

test: setup ## all tests, on two processes
	$(BIN)/python -m pytest -q -n 2 -m 'not slow'

check: setup ## lint and formatting rules
	$(BIN)/ruff check .

train-setup: ## adds what making voices, training and judging need (GPL parts among them)
	sh .ci/voices.sh
	$(MAKE) setup EXTRAS=dev,train,synth,eval

clean: ## removes what the other targets made, the environment too
	rm -rf $(VENV) out build dist .pytest_cache .ruff_cache .hypothesis
