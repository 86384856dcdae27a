PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.PHONY: lab test lint ruff codespell mypy arrows mutants bench clean

lab: $(STAMP)
	$(BIN)/cookbook lab

test: lint
	$(BIN)/cookbook check
	COOKBOOK_SCALE=fast OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests chapters \
	  --nbval-lax --nbval-current-env --numprocesses=2 --dist=loadfile --durations=15

lint: ruff codespell mypy arrows

ruff: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

codespell: $(STAMP)
	$(BIN)/codespell

mypy: $(STAMP)
	$(BIN)/mypy

arrows: $(STAMP)
	$(BIN)/lint-imports

mutants: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/chapters/test_mutants.py -m mutants --numprocesses=2 -rf

bench: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/benchmarks --benchmark-only -rP

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	touch $@

clean:
	rm -rf $(VENV) runs build
