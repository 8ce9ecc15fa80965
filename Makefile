# Everything runs on a copy of the checkout in build/ansible_collections/trailbridge/sentinel,
# the only place where Ansible finds a collection. Nothing is written outside of build/ and .venv/, except by the targets
# that renew files of the checkout: format, specs, constraints, bench and test-faults.

PYTHON ?= python3.11
ARGS ?=

BUILD := $(CURDIR)/build
TREE := $(BUILD)/ansible_collections/trailbridge/sentinel
VENV := $(CURDIR)/.venv
READY := .venv/ready
EDA := $(BUILD)/eda
EDA_READY := build/eda/ready
VERSION = $(shell .venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# A home of our own keeps the user's settings and credentials out of the tests, and works where there is no home.
IN_TREE := cd "$(TREE)" && env \
  HOME="$(BUILD)/home" \
  PATH="$(VENV)/bin:$$PATH" \
  PYTHONPATH="$(BUILD)" \
  PYTHONPYCACHEPREFIX="$(BUILD)/cache/python" \
  PYTHONDONTWRITEBYTECODE= \
  ANSIBLE_COLLECTIONS_PATH="$(BUILD)" \
  ANSIBLE_HOME="$(BUILD)/home/.ansible" \
  ANSIBLE_INJECT_FACT_VARS=false \
  MYPY_CACHE_DIR="$(BUILD)/cache/mypy" \
  MYPYPATH="$(BUILD):$(TREE)" \
  HYPOTHESIS_STORAGE_DIRECTORY="$(BUILD)/cache/hypothesis"

HAS_JAVA = java -version 2>&1 | grep -Eq 'version "(1[7-9]|[2-9][0-9])'
NO_JAVA = Skipped: the tests with ansible-rulebook (Java 17 or newer is not installed; Debian: openjdk-17-jre-headless).

# Whole programs, one after the other: `make test-long` has them, and `make test` stays short.
LONG := $(addprefix tests/unit/, \
  attacks/test_s3_attacks.py attacks/test_secrets.py attacks/test_texts.py docs/test_by_hand.py docs/test_commands.py \
  emulators/test_emulator_command.py faults/test_playbook.py faults/test_s3_operators.py faults/test_s3_sample.py \
  faults/test_signals.py inventory/test_aws_organization.py modules/test_under_ansible.py playbooks/test_examples.py \
  playbooks/test_export_examples.py playbooks/test_isolation.py playbooks/test_orphans.py playbooks/test_output.py \
  playbooks/test_s3.py playbooks/test_slices.py playbooks/test_stackset.py playbooks/test_unexpected.py \
  playbooks/test_verify_interrupted.py playbooks/test_workspaces.py test_toy_source.py)
WITHOUT ?= $(addprefix --ignore=,$(LONG))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help test lint ruff complexity changelog types docs ansible-lint sanity molecule unit test-long chromium test-eda test-faults test-matrix bench bench-quick bench-organization demo specs format build import-check checksums publish constraints clean tree site run-eda

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' Makefile

# Sanity takes as long as all of lint and uses one core. The unit tests close the run: what was tested, how it went, and
# what was skipped are its last lines.
test: ## the checks that every change needs, quickest first
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint sanity
	@$(MAKE) --no-print-directory molecule test-eda unit
	@$(HAS_JAVA) || echo "$(NO_JAVA)"

lint: ruff complexity changelog types docs ansible-lint ## all checks that run no code of the collection

ruff: $(READY) ## style of the Python code
	@echo "== ruff"
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check

complexity: $(READY) ## complexity and length of the functions
	@echo "== complexity"
	@.venv/bin/python tests/tools/complexity.py plugins

changelog: tree ## changelog fragments
	@echo "== antsibull-changelog"
	@$(IN_TREE) antsibull-changelog lint

types: tree ## types of the Python code
	@echo "== mypy"
	@$(IN_TREE) mypy -p ansible_collections.trailbridge.sentinel.plugins -m tests.toy_source.life_cycle \
	  $(addprefix -p tests.,emulators bench demo eda faults tools)

docs: tree site ## documentation of plugins and roles, guides
	@echo "== antsibull-docs"
	@$(IN_TREE) antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self \
	  --check-extra-docs-refs .

# antsibull-docs writes the guides to docsite/ and copies nothing else: the other pages are put beside them, the examples
# where the guides' paths lead.
PAGES := $(BUILD)/pages/docs/source

site: tree ## the documentation site, in build/site
	@echo "== site"
	@rm -rf "$(BUILD)/pages" && mkdir -p "$(PAGES)/docsite"
	@cp -R examples "$(BUILD)/pages" && cp docs/*.* docs/docsite/rst/*.svg "$(PAGES)/docsite"
	@$(IN_TREE) antsibull-docs collection --use-current --squash-hierarchy --fail-on-error \
	  --dest-dir "$(PAGES)" trailbridge.sentinel
	@cp docs/docsite/index.rst "$(PAGES)"
	@$(IN_TREE) sphinx-build -W --keep-going -n -q -E -j 2 -c docs/docsite "$(PAGES)" "$(BUILD)/site"

ansible-lint: tree ## roles, playbooks and metadata
	@echo "== ansible-lint"
	@$(IN_TREE) ansible-lint -q

sanity: tree ## ansible-test sanity; ARGS="--test pylint" for one of its tests
	@echo "== ansible-test sanity"
	@.venv/bin/python tests/tools/home.py build/home
	@$(IN_TREE) ansible-test sanity --requirements --python $(VERSION) $(ARGS)

molecule: tree ## molecule scenarios; ARGS="-s name" for one of them
	@echo "== molecule"
	@rm -rf build/home/.ansible/tmp/molecule.*
	@$(IN_TREE) "$(VENV)/bin/python" -m tests.emulators --managed-policies few -- \
	  molecule test --workers 3 --continue-on-failure --no-report --exclude default $(or $(ARGS),--all)

unit: tree ## unit tests; ARGS="-k word" for some of them
	@echo "== pytest"
	@$(IN_TREE) pytest -o cache_dir="$(BUILD)/cache/pytest" $(WITHOUT) $(ARGS)

test-long: tree ## unit tests of whole programs, which take as long as all others; ARGS="-k word" for some of them
	@echo "== pytest, long"
	@$(IN_TREE) pytest -o cache_dir="$(BUILD)/cache/pytest" $(LONG) $(ARGS)

chromium: ## Chromium for the tests of the report's page, in build/; ARGS=--with-deps for its libraries (needs root)
	@rm -rf "$(BUILD)/playwright"
	@$(PYTHON) -m venv "$(BUILD)/playwright"
	@"$(BUILD)/playwright/bin/python" -m pip install --quiet --disable-pip-version-check playwright
	@PLAYWRIGHT_BROWSERS_PATH="$(BUILD)/chromium" "$(BUILD)/playwright/bin/playwright" install $(ARGS) --no-shell chromium

test-eda: tree ## ansible-rulebook with rulebook and playbooks, where there is Java; ARGS="-k word" for some tests
	@echo "== ansible-rulebook"
	@if $(HAS_JAVA); then $(MAKE) --no-print-directory run-eda; else echo "$(NO_JAVA)"; fi

# The rules and the runs are a file each, and take their time side by side.
run-eda: $(EDA_READY)
	@export PATH="$(EDA)/bin:$$PATH" && $(IN_TREE) pytest -o cache_dir="$(BUILD)/cache/pytest" \
	  --numprocesses=2 --dist=loadfile tests/eda $(ARGS)

test-faults: tree ## every fault and crash at every request, renews docs/reliability.md: 30 minutes; ARGS="-k word"
	@echo "== faults"
	@$(IN_TREE) pytest -o cache_dir="$(BUILD)/cache/pytest" tests/faults \
	  --ignore tests/unit/faults/test_sample.py --ignore tests/unit/faults/test_s3_sample.py tests/unit/faults \
	  --figures "$(BUILD)/faults" $(or $(ARGS),--docs "$(CURDIR)/docs")

test-matrix: tree ## the unit tests with every supported Ansible, the oldest and newest packages; ARGS="oldest"
	@.venv/bin/python tests/tools/matrix.py "$(BUILD)/matrix" $(ARGS)

bench: tree ## measure the playbook, renew docs/performance.md: 10 minutes; ARGS="--only playbook" for a part
	@$(IN_TREE) "$(VENV)/bin/python" -m tests.bench --out "$(BUILD)/bench" --write "$(CURDIR)/docs" $(ARGS)

bench-organization: tree ## measure the inventory of an organization of 10,000 accounts: 4 minutes; ARGS=1000 for fewer
	@$(IN_TREE) "$(VENV)/bin/python" -m tests.bench.organization $(ARGS)

bench-quick: tree ## measure the playbook in 3 minutes, without renewing anything
	@$(IN_TREE) "$(VENV)/bin/python" -m tests.bench --out "$(BUILD)/bench" --quick $(ARGS)

demo: tree ## a small organization on this machine: onboarded, drifted, repaired, verified, reported
	@$(IN_TREE) "$(VENV)/bin/python" -m tests.demo --reports "$(BUILD)/demo" $(ARGS)

specs: tree ## write the argument specs of the roles from the options of the plugins
	@$(IN_TREE) "$(VENV)/bin/python" -m tests.tools.argument_specs "$(CURDIR)"

format: $(READY) ## format the Python code and repair what can be repaired
	@.venv/bin/ruff check --fix --quiet || true
	@.venv/bin/ruff format

build: tree ## the archive for Ansible Galaxy, in build/
	@rm -f "$(BUILD)"/*.tar.gz
	@$(IN_TREE) ansible-galaxy collection build --force --output-path "$(BUILD)"

import-check: build ## what Ansible Galaxy itself checks before it takes the archive
	@rm -rf build/importer
	@$(PYTHON) -m venv build/importer
	@build/importer/bin/python -m pip install --quiet --disable-pip-version-check galaxy-importer "ansible-core==2.19.*"
	@cd build/importer && env HOME="$(BUILD)/home" PATH="$(BUILD)/importer/bin:$$PATH" \
	  python -m galaxy_importer.main "$(BUILD)"/*.tar.gz

checksums: build ## build/SHA256SUMS; TAG=v1.0.0 must fit the version
	@cd build && test -f "trailbridge-sentinel-$(patsubst v%,%,$(TAG)).tar.gz" && sha256sum -- *.tar.gz > SHA256SUMS
	@cat build/SHA256SUMS

publish: ## give the archive in build/ to Ansible Galaxy; the server is that of Ansible's own settings
	@.venv/bin/ansible-galaxy collection publish build/*.tar.gz

constraints: ## renew the files constraints.txt with the newest releases
	@rm -rf build/constraints
	@$(PYTHON) -m venv build/constraints
	@build/constraints/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@build/constraints/bin/python -m pip freeze > constraints.txt
	@rm -rf build/constraints
	@$(PYTHON) -m venv build/constraints
	@build/constraints/bin/python -m pip install --quiet --disable-pip-version-check -r tests/eda/requirements.txt
	@build/constraints/bin/python -m pip freeze > tests/eda/constraints.txt

clean: ## remove build/ and .venv/
	@rm -rf .venv build

tree: $(READY)
	@mkdir -p build/home
	@.venv/bin/python tests/tools/tree.py "$(TREE)"

$(EDA_READY): tests/eda/requirements.txt tests/eda/constraints.txt
	@echo "== environment of ansible-rulebook"
	@rm -rf "$(EDA)"
	@$(PYTHON) -m venv "$(EDA)"
	@"$(EDA)/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
	  -r tests/eda/requirements.txt -c tests/eda/constraints.txt
	@touch $@

$(READY): requirements.txt requirements-dev.txt constraints.txt
	@echo "== environment"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --no-compile --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@
