# Every target makes the environment first: created when missing, updated when its inputs change, else untouched.
VENV := .venv
PYTHON ?= python3
STAMP := $(VENV)/.installed

.PHONY: demo test test-slow check format clean

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("aikd-tune needs Python 3.11 or newer, found " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (torch is large: a few minutes the first time)"
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP)
	@$(VENV)/bin/aikd-tune run search_spaces/digits.yaml

test: $(STAMP)
	@$(VENV)/bin/python -m pytest -q -n 2 --dist loadfile

test-slow: $(STAMP)
	@$(VENV)/bin/python -m pytest -q -n 2 --dist worksteal -m slow

check: $(STAMP)
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

format: $(STAMP)
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
