# `make help` lists what there is. Every target sets up what it needs; PYTHON and EXTRAS may be given.
PYTHON ?= python3.11
EXTRAS ?= dev,train,serve,agent,ears,webrtc
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell echo '$(EXTRAS)' | tr ',' '-')
CLIENTS := .venv-clients
LIVES ?= 10000
BACKENDS ?= 500
RECORDING := examples/question.wav
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-clients chaos check train-setup clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## everything needed to talk and to test: leaves .venv/bin/duologue

$(READY): pyproject.toml constraints.txt .ci/system.sh
	sh .ci/system.sh $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

demo: setup ## a shipped recording through the model, then (at a terminal) the page to talk to it
	$(BIN)/duologue talk --input $(RECORDING) --output out/answer.wav --events out/events.jsonl --timeline out/timeline.html
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/duologue serve --open; else echo "To talk to it: $(BIN)/duologue serve --open"; fi

test: setup ## all tests, on two processes
	$(BIN)/python -m pytest -q -n 2 -m 'not slow'

test-clients: setup $(CLIENTS)/.ready ## real clients (openai-python, Pipecat, LiveKit) talk to the server
	CLIENTS_PYTHON=$(CLIENTS)/bin/python $(BIN)/python -m pytest -q tests/clients -m slow

$(CLIENTS)/.ready: tests/clients/requirements.txt
	test -x $(CLIENTS)/bin/python || $(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet -r $<
	@touch $@

chaos: setup ## LIVES sessions that are dropped, aborted, resumed, overloaded, sent garbage and not read; BACKENDS that fail
	$(BIN)/python -m tests.chaos.chaos --lives $(LIVES)
	$(BIN)/python -m tests.agent.faulty --backends $(BACKENDS)

check: setup ## lint and formatting rules
	$(BIN)/ruff check .

train-setup: ## adds what making voices, training and judging need (GPL parts among them)
	sh .ci/voices.sh $(PYTHON)
	$(MAKE) setup EXTRAS=dev,train,serve,agent,webrtc,synth,eval

clean: ## removes what the other targets made, the environment too
	rm -rf $(VENV) $(CLIENTS) out build dist .pytest_cache .ruff_cache .hypothesis
