# `make help` lists what can be asked for.

PORT = 8787

# A clone that is tested must need no newer Cargo.lock than the one in it; one that is being worked on may.
LOCKED = $(if $(CI),--locked)

# By their paths: old releases of make look commands up on the PATH they were started with, not on the one below.
NODE = node_modules/.bin/node
WRANGLER = node_modules/.bin/wrangler

# The system's node may be too old for wrangler and miniflare; what starts them by `env node` gets the one in package.json.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# Both would ask hosts of Cloudflare's for what is not needed here.
export CLOUDFLARE_CF_FETCH_ENABLED = false
export WRANGLER_SEND_METRICS = false

.DEFAULT_GOAL = help
# One after the other and in the order written: they share the cores, target/ and build/.
.NOTPARALLEL:
.PHONY: help setup dev demo token secret build deploy test format lint native dry-run size e2e torture-minute torture hostile bench costs profile micro fuzz fixtures clean

section = @printf '\n== %s\n' '$(1)'

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## install what is missing (every target that needs it does so by itself)
	@tools/setup.sh

dev: setup ## serve on http://localhost:8787 (another: PORT=9000), rebuild on changes
	@$(NODE) tools/dev.mjs $(PORT)

demo: setup ## with `make dev` running: two TinyBase clients edit a room, and print what each and the room hold
	@$(NODE) tools/demo.mjs ws://localhost:$(PORT)/demo

token: ## a token for rooms: ROOMS='{"todo/*":"write"}' SUB=ann TTL=3600 (signed with TOKEN_SECRETS, or that in .dev.vars)
	@node tools/token.mjs

secret: ## a secret for TOKEN_SECRETS
	@node tools/token.mjs --secret

build: setup ## build the Worker as it will be uploaded, into build/
	$(call section,Build of the Worker)
	@tools/build.sh

deploy: setup ## put the Worker on Cloudflare
	@$(WRANGLER) deploy

test: format lint native build dry-run size e2e torture-minute ## run everything below, up to the first that fails
	@printf '\nAll of it passed.\n'

format: setup ## is the Rust code formatted?
	$(call section,Format)
	cargo fmt --check

lint: setup ## clippy with warnings as errors, natively and for the Worker
	$(call section,Clippy)
	cargo clippy $(LOCKED) --all-targets -- -D warnings
	$(call section,Clippy for the Worker)
	@# worker-build sets this variable as well; the code that wasm-bindgen's macros write depends on it.
	WASM_BINDGEN_USE_JS_SYS=1 cargo clippy $(LOCKED) --lib --target wasm32-unknown-unknown -- -D warnings

native: setup ## the native tests
	$(call section,Native tests)
	cargo test $(LOCKED)

dry-run: setup ## build the Worker and do all of a deployment but the upload itself
	$(call section,Dry run of the deployment)
	@rm -rf .wrangler/upload
	$(WRANGLER) deploy --dry-run --outdir .wrangler/upload

size: dry-run ## is what would be uploaded small enough?
	$(call section,Size)
	@$(NODE) tools/size.mjs .wrangler/upload

e2e: build ## the end-to-end tests (some of them: FILES='tests/e2e/merge.test.mjs')
	$(call section,End-to-end tests)
	@$(NODE) tools/e2e.mjs $(FILES)

torture-minute: build
	$(call section,A minute of torture)
	@$(NODE) tests/torture/run.mjs 60

torture: build ## kill and break everything around rooms under load: TIME=600 seconds (a run again: SEED=…)
	@$(NODE) tests/torture/run.mjs $(or $(TIME),600) $(SEED)

hostile: build ## send rooms bad inputs of every kind: INPUTS=100000 (a run again: SEED=…)
	@$(NODE) tests/hostile/run.mjs $(or $(INPUTS),100000) $(SEED)

bench: build ## Tinyroom and TinyBase's own server side by side, into bench/results.md (some rows: ROWS='wake join')
	$(call section,Benchmark)
	@$(NODE) bench/run.mjs $(ROWS)

costs: build ## what typical apps cost a month on Cloudflare, into docs/costs.md (some of them: APPS='board')
	$(call section,Costs)
	@$(NODE) bench/costs.mjs $(APPS)

profile: build ## where the time of a message goes inside a room
	@$(NODE) bench/profile.mjs

micro: setup ## the work of the store and the journal alone, native, beside TinyBase's own store in Node
	@$(NODE) bench/micro.mjs

fuzz: setup ## look for inputs that fail: TIME=60 seconds for each fuzzer (some: TARGETS='room journal')
	@tools/setup.sh cargo-fuzz
	@fuzz/run.sh $(or $(TIME),60) $(TARGETS)

fixtures: setup ## make tests/fixtures/ anew from the real packages
	@$(NODE) tests/fixtures/generate.mjs

clean: ## remove what was built, but neither the installed tools nor the rooms of `make dev`
	cargo clean
	rm -rf build .wrangler/upload .wrangler/tmp
