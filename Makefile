# `make` prints what there is. Every recipe is one line that can be run by hand.

SHELL    := bash
FUZZTIME ?= 30s
BENCH    ?= .
ARGS     ?=

# limit prefixes a command with a deadline in seconds, where timeout(1) exists: nothing may hang a build for ever.
limit = $(if $(shell command -v timeout),timeout --kill-after=10 $(1))
# All Go files but those that npm brought.
gofiles = find . -name node_modules -prune -o -name '*.go' -print0

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run deps test check lint vet race npm client e2e generate fresh bench attack proof sim watch microbench soak repeat fuzz acme advisories fmt packages image chart release

help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Serve on http://127.0.0.1:3000; ARGS="--port 4000" passes flags.
	go run . $(ARGS)

deps: ## Check what the tests need; on Debian, install what is missing.
	@.ci/deps

test: deps ## Run every test: Go with the race detector, and at the same time browsers and official clients.
	@.ci/both '$(MAKE) vet' '$(MAKE) npm'
	@$(MAKE) assets # now, because Go embeds them and must not find them half written
	@.ci/both '$(MAKE) race' '$(MAKE) browsers'

check: lint vet race ## Check format, vet and staticcheck, and run the Go tests with the race detector.

lint: ## Check the format, and the code with staticcheck.
	@files=$$($(gofiles) | xargs -0 gofmt -l); if [ -n "$$files" ]; then printf 'run make fmt, these are not formatted:\n%s\n' "$$files"; exit 1; fi
	$(call limit,180) go tool staticcheck ./...

vet: ## Run go vet.
	$(call limit,180) go vet ./...

race: ## Run the Go tests with the race detector.
	$(call limit,900) go test -race -timeout 10m ./...

npm: web/node_modules/.package-lock.json ## Install what the browser side needs, unless it is there.

# npm writes this file last.
web/node_modules/.package-lock.json: web/package-lock.json web/package.json $(wildcard web/*/package.json)
	cd web && $(call limit,300) npm ci --no-audit --no-fund
	@touch $@

.PHONY: assets
assets: npm ## Check and build the npm package and the console.
	cd web && $(call limit,120) npm run check && $(call limit,120) npm run build

client: assets ## Check, build and test the npm package, in a browser and in Node, against the real binary.
	cd web && $(call limit,600) npm test

.PHONY: package-check
package-check: npm ## Check what npm publishes: files, exports and types; print the hash of the single script.
	cd web && $(call limit,120) npm run build --workspace client
	cd web/client && $(call limit,120) npx --yes publint@0.3.25 --strict
	cd web/client && $(call limit,120) npx --yes @arethetypeswrong/cli@0.18.5 --pack . --profile esm-only
	@echo "dist/roomcast.min.js sha384-$$(openssl dgst -sha384 -binary web/client/dist/roomcast.min.js | openssl base64 -A)"

e2e: npm ## Run the real binary against the official clients and a browser.
	cd web/e2e && $(call limit,900) node run.mjs

.PHONY: browsers
browsers: npm ## Run the tests of client and e2e at the same time.
	cd web/e2e && $(call limit,900) node run.mjs --client

generate: ## Write what is made from other files: the TypeScript of the catalogue, and the console's assets.
	go generate ./...
	cd web && $(call limit,120) npm run build

fresh: ## Check that what generate writes is committed.
	@changed=$$(git status --porcelain -- web/assets web/client/src); if [ -n "$$changed" ]; then printf 'run make generate and commit:\n%s\n' "$$changed"; exit 1; fi

.PHONY: site
site: ## Build the documentation as a static site in web/site/dist; SITE_URL is where it will be.
	cd web/site && $(call limit,300) npm ci --no-audit --no-fund && $(call limit,300) npm run build

.PHONY: pictures recording
pictures: npm ## Make the pictures of the console in docs/images; needs Chromium.
	cd web/e2e && $(call limit,600) node screenshots.mjs

recording: npm ## Run the program in three terminals and write docs/images/recording.svg.
	cd web/e2e && $(call limit,600) node recording.mjs

bench: ## Measure Roomcast beside other servers; N=1000,5000 clients, ARGS="-rounds 1" passes flags. Linux only.
	go run ./server/bench $(if $(N),-n $(N)) $(ARGS)

attack: ## Run known attacks against the server and print what each costs; ARGS="-short -run deaf" passes flags. Linux only.
	go run ./server/attack $(ARGS)

proof: npm ## Run the public workloads against the binary for 5 minutes and write docs/reliability.md; N=2000 clients. Linux only.
	N=$(N) ROOMCAST_PROOF=$(CURDIR)/docs go test -count=1 -timeout 30m -v -run TestProof ./server/proof

sim: ## Simulate faults with a fake clock: SEED=42 shows one seed, SEEDS=10000 runs as many.
	ROOMCAST_SIM_SEED=$(SEED) ROOMCAST_SIM_SEEDS=$(SEEDS) go test -count=1 -timeout 60m $(if $(SEED),-v) -run TestSimulation ./server/sim

watch: ## Check the alerts and the dashboard with promtool, and draw the dashboard for the docs: needs prometheus and chromium.
	cd deploy/watch && promtool check rules roomcast.rules.yml && promtool test rules roomcast.rules.test.yml
	go test -count=1 -run 'TestNamedMetrics|TestAlerts|TestRules|TestQueries' ./server/metrics
	$(call limit,900) node --experimental-websocket deploy/watch/picture.mjs $(ARGS)

microbench: ## Run the Go benchmarks; BENCH=Publish chooses some.
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

soak: npm ## Run the long forms of the tests, for about 30 minutes: 20 times the load, faults of networks, disks and processes.
	ROOMCAST_SOAK=1 $(call limit,2400) go test -p 1 -timeout 25m . ./auth ./notify/... ./sse ./server/...
	docs=$$(mktemp -d) && cp -r docs/. $$docs && ROOMCAST_PROOF=$$docs $(call limit,900) go test -count=1 -timeout 15m -run TestProof ./server/proof; code=$$?; rm -rf $$docs; exit $$code
	cd web/e2e && ROOMCAST_SOAK=1 $(call limit,900) node run.mjs faults proxies interop

repeat: ## Run the Go tests ten times with the race detector, for up to an hour.
	go test -race -count=10 -timeout 60m ./...

acme: ## Get certificates from Pebble, the test server of Let's Encrypt, which is built first.
	ROOMCAST_PEBBLE=v2.10.3 $(call limit,600) go test -count=1 -timeout 9m -v -run 'TestACME$$' .

advisories: ## Look for known vulnerabilities in what the program calls.
	$(call limit,600) .ci/advisories

fuzz: ## Run every fuzz target for FUZZTIME (30s).
	@.ci/fuzz $(FUZZTIME)

packages: ## Make the deb and the rpm, and try them: install, upgrade, purge. Root, Linux only.
	$(call limit,1800) deploy/packages/try

image: ## Make the files of the container image, and run them without an engine. Root, Linux only.
	$(call limit,900) deploy/image/try

chart: ## Check the Helm chart against Kubernetes' schemas.
	$(call limit,1800) deploy/helm/try

release: ## Make the archives, packages and checksums of a release in dist, twice, and compare; publishes nothing.
	$(call limit,3000) deploy/packages/release

fmt: ## Format the Go files.
	@$(gofiles) | xargs -0 gofmt -w
