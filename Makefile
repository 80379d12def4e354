# The words of this house. Everything runs inside .venv, which `make setup` keeps in step with constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
export PYTHON

.PHONY: setup demo test chaos bench lint types docs constraints versions clean

setup: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt tools/setup.sh
	tools/setup.sh

# The quickstart, in demo-output/.
demo: setup
	tools/demo.sh

# The whole suite; `make test ARGS="-k house"` narrows it.
test: setup
	$(BIN)/python -m pytest $(ARGS)

# The tests that kill and damage at random, at length: more than an hour.
chaos: setup
	SWARM_TEST_CHAOS=1 $(BIN)/python -m pytest -m chaos -q -s $(ARGS)

# Figures, each beside its floor, into bench-output/; `make bench ARGS=journal` runs one of them. Takes minutes.
bench: setup
	$(BIN)/python -m bench $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/python tools/link_rooms.py
	$(BIN)/basedpyright

# The parts of docs/ that follow from the code: settings, events, failures, states.
docs: setup
	$(BIN)/python tools/write_docs.py

# Names and versions only: a hash or an index line would break `pip install -c` for users of other indexes.
constraints:
	uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-header --no-annotate \
	    --no-emit-index-url --upgrade pyproject.toml --output-file constraints.txt

# Does the product start at both ends of the range of versions that pyproject.toml allows?
versions:
	tools/check_versions.sh

clean:
	rm -rf .venv .rooms .cache .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist demo-output bench-output *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
