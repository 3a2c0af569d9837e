# `make demo` and `make test` do all set-up on a fresh machine that has Python 3.11 to 3.14 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= all
FUZZ_SECONDS ?= 60
MINUTES ?= 12
OUTPUT ?= results/gpu
# each of the many processes of a run would compile our modules anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo music test all-tests fast-test storm fuzz gpu lint schema report clean help

help:
	@echo "make demo       set up, run the default pipeline to the end, write the report: results/report/index.html"
	@echo "make music      set up, and play some scores with the networks that ship: results/report/music.html"
	@echo "make test       set up, lint, and pass all tests"
	@echo "make fast-test  the tests that take seconds"
	@echo "make storm      kill trainings, drawings and every rule, and compare with undisturbed runs; it takes long"
	@echo "make fuzz       send everything that reads other people's files what its coverage asks for; FUZZ_SECONDS=60 each"
	@echo "make gpu        what a GPU does with all this, in MINUTES=12, into OUTPUT=results/gpu; without a GPU at toy size"
	@echo "make schema     write config/schema.json, by which editors complete and check the configuration"
	@echo "make report     write results/report.html from what is in results/: the pages and what made them, in one file"
	@echo "make clean      delete results/ (asks nothing)"

$(VENV)/ready: envs/requirements.txt envs/requirements-nodeps.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 14) else "error: Python 3.11, 3.12, 3.13 or 3.14 is needed, this is %d.%d\n  cure: make PYTHON=python3.13 ..." % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV) || { echo "error: python3 -m venv does not work; cure: install it (Debian: python3-venv)" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet -r envs/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps -r envs/requirements-nodeps.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/ready-dev: $(VENV)/ready envs/requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r envs/requirements-dev.txt
	touch $@

demo: $(VENV)/ready
	$(BIN)/snakemake --cores $(CORES) all
	$(MAKE) report
	@echo "Open results/report/index.html in a browser."

music: $(VENV)/ready
	$(BIN)/snakemake --cores $(CORES) music
	@echo "Open results/report/music.html in a browser."

report: $(VENV)/ready
	$(BIN)/snakemake --report results/report.html

# lint takes one core for a minute and more: the tests begin beside it
test: $(VENV)/ready-dev
	$(MAKE) --no-print-directory --jobs=2 all-tests lint

# three workers on two cores: the tests of a cluster mostly wait for it
all-tests: $(VENV)/ready-dev
	$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder

fast-test: $(VENV)/ready-dev
	$(BIN)/python -m pytest -n 2 -m "not slow"

storm: $(VENV)/ready-dev
	$(BIN)/python tests/workflow/storm.py

$(VENV)/ready-fuzz: $(VENV)/ready-dev envs/requirements-fuzz.txt
	$(BIN)/python -m pip install --quiet -r envs/requirements-fuzz.txt
	touch $@

fuzz: $(VENV)/ready-fuzz
	$(BIN)/python tests/fuzz/fuzz.py --seconds $(FUZZ_SECONDS)

# sets nothing up: a machine with a GPU that is lent for minutes may reach no network, and brings its own Python
gpu:
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) benchmarks/gpu.py --minutes $(MINUTES) --output $(OUTPUT)

lint: $(VENV)/ready-dev
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

schema: $(VENV)/ready
	$(BIN)/python -m descant.commands.schema --output config/schema.json

clean:
	rm -rf results
