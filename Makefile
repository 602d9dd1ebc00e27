# `make` alone says what there is. Everything sets up .venv by itself, from nothing but
# Python 3.11 or newer: PYTHON=... chooses which, VENV=... where it goes.
VENV = .venv
BIN = $(VENV)/bin
ARGS =
export VENV

.PHONY: help demo run test unit lab check format sim sim-large kills fuzz bench venv clean

help:
	@echo "make demo    try PeerTalk: a chat with two companions, removed afterwards"
	@echo "make run     PeerTalk itself, for real"
	@echo "make test    all tests (ARGS=... goes to pytest)"
	@echo "make unit    those that need no network namespaces"
	@echo "make lab     those that do: hosts in namespaces, as root on Linux"
	@echo "make check   style, types, layers, the rules of the house, translations"
	@echo "make format  put the code into shape"
	@echo "make sim     the long simulation: N=10000, or SEED=... for one run with its log"
	@echo "make sim-large  rooms of 50 to 300 people: LARGE=200 seeds, or SEED=...; ARGS=\"--people 1000\" for as many as you like"
	@echo "make kills   kill -9 of two that talk, at random moments: KILLS=300"
	@echo "make fuzz    look for inputs that break something: SECONDS=600"
	@echo "make bench   the measurements; they go into docs/benchmarks.md (as root: those of forty processes too)"
	@echo "make venv    only set up .venv"
	@echo "make clean   remove .venv and caches"

demo:
	@echo "PeerTalk demo: a chat on this machine with two companions. Nothing of it stays."
	@tools/setup run
	@$(BIN)/python -m peertalk demo $(ARGS)

run:
	@tools/setup run
	@$(BIN)/python -m peertalk $(ARGS)

venv:
	@tools/setup dev

test: unit lab

unit: venv
	$(BIN)/python -m pytest -n auto -m "not lab" $(ARGS)

lab: venv
	$(BIN)/python -m pytest -m lab $(ARGS)

check: venv
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q -n auto tests/test_house.py tests/test_portable.py tests/test_i18n.py

format: venv
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

N = 10000
SEED =
sim: venv
	$(BIN)/python -m tests.sim $(if $(SEED),--seed $(SEED),$(N) --processes $$(getconf _NPROCESSORS_ONLN)) $(ARGS)

LARGE = 200
sim-large: venv
	$(BIN)/python -m tests.sim.large $(if $(SEED),--seed $(SEED),$(LARGE) --processes $$(getconf _NPROCESSORS_ONLN)) $(ARGS)

KILLS = 300
kills: venv
	PEERTALK_KILLS=$(KILLS) $(BIN)/python -m pytest -s tests/cli/test_kills.py $(ARGS)

SECONDS = 600
fuzz:
	@tools/setup fuzz
	$(BIN)/python -m tests.fuzz all --seconds $(SECONDS) $(ARGS)

bench: venv
	$(BIN)/python -m tests.bench --write docs/benchmarks.md $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
