# Every target sets up .venv itself. PYTHON names the interpreter to start from.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready

.PHONY: demo test coverage check bench bench-fleet fuzz faults soak docs fmt clean setup

demo: $(STAMP)
	@PATH="$(abspath $(BIN)):$$PATH" sh stacks/demo/demo.sh

test: $(STAMP) sshd
	PYTHONPATH=tests $(BIN)/python -m pytest -n 4 --dist worksteal -p branch_coverage

# The figure that `make test` shows, without the tests that do not count for it.
coverage: $(STAMP) sshd
	@PYTHONPATH=tests PMTAFORM_ONLY_TRACED=1 $(BIN)/python -m pytest -n 4 --dist worksteal -q -p branch_coverage

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) sshd
	$(BIN)/python -m benchmarks

# 10,000 hosts in the memory of another process; takes some minutes.
bench-fleet: $(STAMP)
	$(BIN)/python -m benchmarks thousands

# Every fault at every point of a change, over real SSH servers too, and all of tests/hostile; prints the matrix.
# `make test` runs a fixed sample of it.
faults: $(STAMP) sshd
	@PYTHONPATH=tests/faults PMTAFORM_ALL_FAULTS=1 $(BIN)/python -m pytest -n 4 --dist worksteal -q tests/faults \
		tests/hostile tests/host/test_faults.py -p faults_matrix

# HOSTS, APPLIES and how many hosts AT_ONCE; something goes wrong at random.
HOSTS ?= 30
APPLIES ?= 200
AT_ONCE ?= 6
soak: $(STAMP)
	$(BIN)/python tests/faults/soak.py $(HOSTS) $(APPLIES) $(AT_ONCE)

# MINUTES of generated and mutated configurations against everything that reads one.
MINUTES ?= 10
fuzz: $(STAMP)
	$(BIN)/python tests/fuzz.py $(MINUTES)

# The pages that are made from the code: docs/errors.md, rules.md, the table of dangers.md, events.schema.json.
docs: $(STAMP)
	$(BIN)/python tests/make_docs.py

fmt: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(STAMP)

$(STAMP): pyproject.toml emulator/pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[dev]' --editable ./emulator
	@touch $@

# The tests run real OpenSSH servers and every shell that the host program supports.
.PHONY: sshd
sshd:
	@sh tests/install-needs.sh

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .demo
