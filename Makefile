# `make help` shows what there is.
.DEFAULT_GOAL := help
.PHONY: help setup up down destroy lint types unit integration e2e molecule molecule-some differential-roles test

VENV := .venv/bin
INVENTORY ?= inventories/lab.yaml
E2E ?= tests/e2e

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## install what is needed: Debian packages that are missing, .venv with the project
	@scripts/setup

up: setup  ## three bare lab hosts to a working cluster (INVENTORY=inventories/lab.yaml)
	$(VENV)/provision up $(INVENTORY)

down: setup  ## stop the lab's hosts; they keep their disks
	$(VENV)/provision down $(INVENTORY)

destroy: setup  ## remove the lab with all that it made
	$(VENV)/provision destroy $(INVENTORY)

lint: setup  ## ruff, and the import contracts
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/lint-imports

types: setup  ## mypy, strict
	$(VENV)/mypy

unit: setup  ## unit tests and the tree's own rules
	$(VENV)/pytest -q tests/test_tidy.py tests/unit

integration: setup  ## against real etcd, daemons and lab machines; playbooks against real ansible-playbook
	$(VENV)/pytest -q tests/integration tests/differential tests/differential_modules

e2e: setup  ## real hosts, a real cluster
	$(VENV)/pytest -q $(E2E)

molecule: setup  ## each role's scenario: by ansible-playbook and by our engine, verified (ROLES="common etcd" for some)
	@scripts/molecule $(ROLES)

molecule-some: setup  ## three small scenarios, in under four minutes
	@scripts/molecule common pki release

differential-roles: setup  ## roles/site.yaml by ansible-playbook and by our engine leave equal hosts
	$(VENV)/pytest -q tests/differential_roles

test: lint types unit integration molecule-some e2e  ## everything, as CI does

vm-test:  ## on real virtual machines, through libvirt and Vagrant (emulated where there is no KVM: up to 40 minutes)
	@scripts/setup vm
	$(VENV)/pytest -q -s tests/vm
