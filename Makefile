.PHONY: setup lint types unit test
VENV := .venv/bin

setup:
	@test -x $(VENV)/python || python3 -m venv .venv
	@$(VENV)/pip install -q --disable-pip-version-check -e '.[dev]'

lint:
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .

types:
	$(VENV)/mypy

unit:
	$(VENV)/pytest -q tests/test_tidy.py tests/unit

test: setup lint types unit
