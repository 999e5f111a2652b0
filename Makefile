# The commands of daily work; CI calls the same ones. Anything cleverer than this is a Rust test.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/airshed/target
VENV ?= $(CARGO_TARGET_DIR)/venv
NEXTEST_PROFILE ?= default

.DEFAULT_GOAL := help
.PHONY: help web build demo test clients browser bench lint fmt docs deny clean

WEB := query-api/web
WEB_SOURCES := $(shell find $(WEB) -path $(WEB)/node_modules -prune -o -path $(WEB)/dist -prune -o -path $(WEB)/tests -prune -o -type f -print)

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-9s %s\n", $$1, $$2 }'

web: $(WEB)/dist/index.html ## Build the dashboard, which the binary carries

$(WEB)/dist/index.html: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	cd $(WEB) && npm run --silent build

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error

build: web ## Build the release binary, target/release/airshed under CARGO_TARGET_DIR
	cargo build --release -p airshed

demo: build ## Make a sample company, run the pipeline on it, serve the dashboard until Ctrl-C
	"$(CARGO_TARGET_DIR)/release/airshed" demo
	"$(CARGO_TARGET_DIR)/release/airshed" serve --lake demo/ledger

test: $(VENV)/ready ## Every test: Rust, documentation examples, clients of the ledger
	@cargo nextest --version >/dev/null 2>&1 || cargo install cargo-nextest --locked
	AIRSHED_BOAVIZTAPI="$$(echo "$(VENV)"/lib/python3*/site-packages/boaviztapi)" \
		cargo nextest run --workspace --profile $(NEXTEST_PROFILE)
	cargo test --workspace --doc --quiet
	$(MAKE) --no-print-directory browser clients

browser: web ## The dashboard: types, units, and every page in Chromium on a stand-in server
	cd $(WEB) && npm run --silent check && npm test --silent
	$(WEB)/tests/chromium
	cd $(WEB) && npm run --silent test:browser

clients: $(VENV)/ready web ## From Python: DuckDB and pyarrow on the ledger, S3, BoaviztAPI, hostile input, kills
	tests/clients/programs
	cargo build -p airshed
	AIRSHED_BIN="$(CARGO_TARGET_DIR)/debug/airshed" "$(VENV)/bin/python" -m pytest -q tests/clients

$(VENV)/ready: tests/clients/requirements.txt
	python3 -m venv "$(VENV)"
	"$(VENV)/bin/pip" install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
	touch "$@"

bench: build ## Rows a second, peak memory and bytes written, beside a plain copy of the same columns
	"$(CARGO_TARGET_DIR)/release/airshed" bench

lint: ## Formatting and clippy, warnings are errors
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --features airshed-collect/stand-in --quiet -- -D warnings

fmt: ## Format the code
	cargo fmt --all

docs: ## Rewrite the generated pages of docs/ and the snapshots of the command line
	UPDATE_DOCS=1 INSTA_UPDATE=always cargo nextest run -p airshed

deny: ## Licences, bans and sources of the dependencies
	@cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked
	cargo deny check

clean: ## Remove what was built, the demo and the Python environment
	cargo clean
	rm -rf demo "$(VENV)"
