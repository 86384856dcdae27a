PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.PHONY: lab test bench clean

lab: $(STAMP)
	$(BIN)/cookbook lab

test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/cookbook check
	COOKBOOK_SCALE=fast OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests chapters \
	  --nbval-lax --nbval-current-env --numprocesses=2 --dist=loadfile --durations=15

bench: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/benchmarks --benchmark-only -rP

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	touch $@

clean:
	rm -rf $(VENV) runs build
