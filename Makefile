# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

.DEFAULT_GOAL := help
.PHONY: help demo recording lab test integration molecule soak explore unkind nights screenshots film matrix sanity \
	bench fleet mutants check docs format package collection addresses release certification pins

# What `make demo` shows; `list` names the choices.
DEMO ?= grant
# Which PC it is shown on, and which PCs the end-to-end tests use: simulated or wine.
# Not ?=, for make itself has a variable of this name, a Pascal compiler's.
PC := simulated
# The lab of `make lab`: how many PCs, reached over which connection, the port of its page, 0: open no browser, the player's folder.
PCS ?=
CONNECTION ?=
PORT ?=
BROWSER ?=
FOLDER ?=
# What `make test` runs and `make check` looks at; empty means all.
TESTS ?=
GATES ?=
# The targets that `make integration` runs, by their names; empty means all. The step of `make molecule`.
TARGET ?=
STEP ?= test
# The lines of ansible-core that `make sanity` runs; empty means all.
LINES ?=
# How often `make soak` runs the tests.
RUNS ?= 20
# Which packages of tools/system-packages.txt `make test` hides; `all` means each of them.
WITHOUT ?=
# Which groups of figures `make bench` measures; empty means all, and writes them down.
FIGURES ?=
# The fleet of `make fleet`: PCS above, execution nodes, PCs of a slice, PCs at once, forks of a slice, `wait` or `begin`;
# PART=nodes compares one node with all instead.
PART ?=
WORKERS ?=
SLICE ?=
WAVE ?=
FORKS ?=
MODE ?=
# What `make mutants` measures: a module as domain/permits.py, a random sample of so many mutants, its seed, and the
# seconds of tests that a mutant has to survive. Empty means every module, all mutants, a new seed, the default.
MODULE ?=
SAMPLE ?=
SEED ?=
PATIENCE ?=
# What `make release` releases, and the addresses that `make addresses` sets; the last two may be left out.
VERSION ?=
REPOSITORY ?=
DOCUMENTATION ?=
ISSUES ?=
HOMEPAGE ?=
# What `make package` signs with; empty leaves the package unsigned.
SIGN ?=

VENV ?= .venv
# The interpreter to build VENV on; empty means the newest that is found.
PYTHON ?=

# Each recipe hands a choice to the program that it is meant for. Programs that such a program starts have their own.
unexport DEMO PC PCS PART CONNECTION PORT BROWSER FOLDER TESTS TARGET STEP GATES RUNS WITHOUT FIGURES MODULE SAMPLE SEED \
	PATIENCE SIGN VENV PYTHON LINES WORKERS SLICE WAVE FORKS MODE VERSION REPOSITORY DOCUMENTATION ISSUES HOMEPAGE
MAKEOVERRIDES :=

# Ansible refuses to start outside a UTF-8 locale.
export LC_ALL := C.UTF-8
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build/collections
export COVERAGE_FILE := $(CURDIR)/build/coverage

setup = @sh tools/setup.sh --venv "$(VENV)" $(if $(PYTHON),--python "$(PYTHON)")
# For commands that run simulated or Wine PCs.
setup_lab = $(setup) --lab
python := "$(VENV)/bin/python"
run = @$(python) -m tools.run_command $@

help: ## show this table
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'DEMO=deny, revoke, power-cut or unsigned shows another ending of the demo, PC=wine shows it with the real Windows agent.'
	@echo 'PCS=3 PC=wine CONNECTION=psrp choose the PCs of make lab; PORT=8080 the port of its page, BROWSER=0 opens no browser.'
	@echo 'BROWSER=1 shows the demo on a page, at a pace that a person can follow.'
	@echo 'DEMO=night plays a night on three simulated PCs and writes its report to build/demo/night.'
	@echo 'PC=wine lets make test run every end-to-end test on Wine PCs, with the real Windows agent.'
	@echo 'SIGN=FILE signs the package with the certificate and key in a PEM or PKCS #12 file.'
	@echo 'WITHOUT="wixl xvfb" lets make test run as on a machine that lacks these system packages; WITHOUT=all hides all.'
	@echo 'PCS=200 WORKERS=4 SLICE=25 WAVE=100 FORKS=10 MODE=begin choose the fleet of make fleet.'
	@echo 'PART=nodes lets make fleet compare one node with all of them instead.'
	@echo 'MODULE=domain/permits.py lets make mutants measure one module, SAMPLE=300 a random sample of all.'
	@echo 'TESTS="tests/unit -k terms" runs some tests; GATES="style types" runs some gates.'

demo: ## from nothing to the main job having run, told step by step
	$(setup_lab) $(if $(filter wine,$(PC)),package,$(if $(filter-out 0 no,$(BROWSER)),lab,run))
	@BROWSER="$(BROWSER)" $(python) -m tools.run_command $@ lab.demo $(DEMO) $(PC)

recording: ## play the demo; write docs/recorded-run.md and docs/recorded-run.cast (for asciinema)
	$(setup_lab) run
	$(run) tools.record_run

lab: ## PCs that stay up until Ctrl-C, to play with: a page, the command lab, your own playbooks
	$(setup_lab) $(if $(filter wine,$(PC)),package,lab)
	@PC="$(PC)" PCS="$(PCS)" CONNECTION="$(CONNECTION)" PORT="$(PORT)" BROWSER="$(BROWSER)" FOLDER="$(FOLDER)" \
		$(python) -m lab.tryout

test: ## all tests that this machine can run; says what it left out and why
	$(setup_lab) test
	$(run) tools.run_tests $(if $(WITHOUT),--without "$(WITHOUT)") $(if $(filter wine,$(PC)),--pc wine) $(TESTS)

integration: ## the collection's integration targets by ansible-test on a lab PC; TARGET=report runs one
	$(setup_lab) test
	$(run) lab.testbed $(TARGET)

molecule: ## the collection's molecule scenario on two lab PCs; STEP=converge runs one step
	$(setup_lab) test
	$(run) lab.testbed.scenario $(STEP)

soak: ## the tests with PCs RUNS=20 times on a busy machine; counts those that fail by chance
	$(setup_lab) test
	$(run) tools.soak $(RUNS) $(TESTS)

explore: ## every reachable state of a bounded PC, at least a million, against all rules
	$(setup_lab) test
	$(run) tests.explorer

unkind: ## killed jobs on PCs that are as unkind as those in the field
	$(setup_lab) test
	$(run) pytest -q --unkind $(if $(SEED),--unkind-seed $(SEED)) -n 2 tests/lab/test_unkind.py

nights: ## a night on forty PCs, three at random; jobs killed at every point; every integration target
	$(setup_lab) test
	$(run) pytest -q --nights $(if $(SEED),--unkind-seed $(SEED)) tests/lab/test_night.py tests/lab/test_any_moment.py \
		tests/lab/test_awx_night.py tests/lab/test_awx_configure.py tests/lab/test_awx_tokens.py \
		tests/lab/test_integration_targets.py

screenshots: ## take the pictures of the report and of docs/customer.*.md anew, from a browser and real windows
	$(setup_lab) test
	$(run) tests.browser.pictures docs/images
	$(run) lab.wine.screenshots docs/images

film: ## film a Wine PC's screen for docs/customer.en.md: the customer allows and revokes
	$(setup_lab) test
	$(run) lab.wine.film docs/images/window.en.webm

matrix: ## every connection with every ansible-core line; writes docs/compatibility.md
	$(setup_lab) test
	$(run) tests.matrix

sanity: ## ansible-test's sanity tests with every ansible-core line; LINES="2.16 2.22" chooses some
	$(setup) check
	$(run) tests.matrix.sanity_lines $(LINES)

bench: ## every figure that has a goal; writes docs/benchmarks.md
	$(setup_lab) test
	$(run) tests.benchmarks $(FIGURES)

fleet: ## a night on PCS=1000 simulated PCs through execution nodes, some of them killed; writes docs/benchmarks.md
	$(setup_lab) test
	$(run) tests.fleet $(if $(PCS),--pcs $(PCS)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(SLICE),--slice $(SLICE)) \
		$(if $(WAVE),--wave $(WAVE)) $(if $(FORKS),--forks $(FORKS)) $(if $(MODE),--mode $(MODE)) \
		$(if $(SEED),--seed $(SEED)) $(if $(PART),--part $(PART))

mutants: ## the share of small changes of the core that a test notices
	$(setup_lab) mutants
	$(run) tests.mutants $(if $(MODULE),--module "$(MODULE)") $(if $(SAMPLE),--sample $(SAMPLE)) \
		$(if $(SEED),--seed $(SEED)) $(if $(PATIENCE),--patience $(PATIENCE))

check: ## style, types, documentation, collection rules
	$(setup) check
	$(run) tools.check $(GATES)

certification: ## sanity on every line of ansible-core, galaxy-importer with the linter that certification pins
	$(setup) check
	$(run) tests.matrix.certification

docs: ## build/docs/index.html: guides and reference as pages with a search; needs no server
	$(setup) check
	$(run) tools.docs_site

format: ## lay the Python code out as `make check` wants it
	$(setup) check
	@"$(VENV)"/bin/ruff format --quiet .

package: ## dist/: the agent's MSI, the collection's tarball, the SBOM, the hashes
	$(setup) package
	$(run) agent.packaging $(if $(SIGN),--sign "$(SIGN)")

collection: ## dist/: the collection's tarball, its SBOM and provenance; needs none of the MSI's programs
	$(setup) collection
	$(run) agent.packaging.collection

addresses: ## set REPOSITORY=https://... and DOCUMENTATION=https://... in galaxy.yml before the publication
	$(setup) run
	@$(python) -m tools.public_addresses --repository "$(REPOSITORY)" --documentation "$(DOCUMENTATION)" \
		--issues "$(ISSUES)" --homepage "$(HOMEPAGE)"

release: ## VERSION=1.0.0: the version, the changelog, a commit with a tag, and its tarball; sends nothing anywhere
	$(setup) check
	$(run) tools.release "$(VERSION)"

# One resolution for all groups, on every platform and Python: they share each version.
pins: ## pin the requirement groups of pyproject.toml in requirements.txt
	$(setup) uv
	@"$(VENV)"/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make pins" --group mutants --group windows --group windows-test --group bench --group awx \
		--group execution-environment --group kerberos --group kerberos-build \
		--output-file requirements.txt
	@mkdir -p tests/matrix/pins
	@for line in 2.16 2.17 2.18 2.22; do \
		"$(VENV)"/bin/uv pip compile --quiet --python-version 3.13 --no-deps --prerelease allow \
		--generate-hashes --no-annotate --custom-compile-command "make pins" --group core-$$(echo $$line | tr . -) \
		--output-file tests/matrix/pins/$$line.txt || exit 1; done
# Without hashes: ansible-builder adds a comment to each line, which pip does not accept after a hash.
	@"$(VENV)"/bin/uv pip compile --quiet --python-version 3.12 --python-platform linux --no-annotate \
		--custom-compile-command "make pins" --group execution-environment --constraints requirements.txt \
		--output-file execution-environment/python.txt
	@"$(VENV)"/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make pins" tools/importer.in --output-file tools/importer.txt
