# The way in. `make help` lists what there is.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# macOS has a make of 2006, which runs each line of a recipe by itself.
ifeq ($(filter oneshell,$(.FEATURES)),)
$(error GNU make 3.82 or newer is needed: on macOS, `brew install make` and call gmake)
endif

# --- what a user may set --------------------------------------------------------------------------

PROFILE ?= dev
BASELINE ?= $(PROFILE)
VARIABLES ?=
REGION ?=
STATE_BUCKET ?=
OUTPUTS ?=
OUTPUTS_MAP ?=
RUN ?= $(REPORTS)/latest
PUBLIC_KEY ?=
REPORTS_BUCKET ?=
TIMESTAMP_URL ?=
TIMESTAMP_ROOT ?=
VERIFY_ARGS ?=
TESTS ?=
INSTALL_PACKAGES ?=
SBOM ?= sbom.cdx.json
AUDIT_ARGS ?=
PEERS ?=
MINUTES ?= 20
CALLS ?= 10000
DRIFT ?=
AS_VERIFIER ?=
PYTHON ?= python3
# SANDBOX=1 means the sandbox that `make sandbox` starts; SANDBOX=<url> one elsewhere on this machine.
SANDBOX ?=
PORT ?= 4599

# --- derived --------------------------------------------------------------------------------------

VENV := .venv
PY := $(VENV)/bin/python
PACKAGE := lambda/dist/compliance_checker.zip
WORK ?= .trailwarden
REPORTS ?= reports
SANDBOX_URL := $(if $(filter 1,$(SANDBOX)),http://127.0.0.1:$(PORT),$(SANDBOX))
# A value as one word of the shell's, whatever it holds.
quoted = '$(subst ','\'',$(1))'
DEPLOY_FLAGS = --working-directory $(call quoted,$(WORK)) --profile $(call quoted,$(PROFILE)) \
	$(if $(REGION),--region $(call quoted,$(REGION))) \
	$(if $(SANDBOX_URL),--sandbox $(call quoted,$(SANDBOX_URL)))
VARIABLES_FLAGS = $(if $(VARIABLES),--variables $(call quoted,$(VARIABLES)))
DRIFT_ARGUMENTS = $(if $(DRIFT),--plan=<($(PY) -m deploy plan --json $(DEPLOY_FLAGS) $(STATE_FLAGS) $(VARIABLES_FLAGS) \
	--function-package $(PACKAGE)))
# What becomes of a run once it has ended.
SEAL_FLAGS = $(if $(REPORTS_BUCKET),--reports-bucket=$(call quoted,$(REPORTS_BUCKET))) \
	$(if $(TIMESTAMP_URL),--timestamp-url=$(call quoted,$(TIMESTAMP_URL)))
STATE_FLAGS = $(if $(STATE_BUCKET),--state-bucket $(call quoted,$(STATE_BUCKET)))
# What pytest answers without a deployment.
ASKS_ONLY = $(filter -h --help --version -V --collect-only --co --markers --fixtures,$(VERIFY_ARGS))
# Much of the tests' time is Terraform's, and a fifth of that goes to collecting garbage early.
PROJECT_TESTS = GOGC=400 $(PY) -m pytest -c tests/pytest.ini --rootdir .
# Tests wait for processes and for each other's machines more than they compute.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + $$(nproc 2>/dev/null || echo 2))
# The sandbox knows no credentials; these never leave this machine.
VERIFY_ENVIRONMENT = $(if $(SANDBOX_URL),env -u AWS_PROFILE -u AWS_SESSION_TOKEN \
	-u AWS_IGNORE_CONFIGURED_ENDPOINT_URLS AWS_ENDPOINT_URL=$(call quoted,$(SANDBOX_URL)) AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test)
# Under this name, since make runs a recipe that names its own variable even when asked only to show it (-n):
# showing `demo` would start a sandbox, showing `fast` would run the tests, which show `fast`.
AGAIN := $(MAKE) --no-print-directory

.PHONY: help demo test fast sandbox deploy plan verify check-evidence report-pdf destroy mutate bench soak docs screenshots lint format package lock sbom audit browser found-terraform clean

help: ## [at once] list the targets, how long they take, and what can be set
	@grep -hE '^[a-z-]+:.*## \[' $(MAKEFILE_LIST) | sed -E 's/:.*## \[([^]]*)\] /\t\1\t/' | expand -t 16,31
	echo
	echo 'The times are those of two processors and of the sandbox: AWS itself takes minutes to make and to remove things, and'
	echo 'verify waits there for each alert by both paths, for 5 to 10 minutes. The first time, make installs the locked'
	echo 'dependencies into .venv as well, a minute or two, and says so.'
	echo
	cat <<'TEXT'
	PROFILE=dev         what to deploy and what the account is held to
	VARIABLES=<file>    values of the module's variables (.tfvars) in place of the profile's
	BASELINE=<file>     verify: hold the account to this baseline instead of the profile's
	REGION=...          home region (default: AWS's configuration, or ap-southeast-1)
	SANDBOX=1           use the sandbox that `make sandbox` runs instead of AWS; SANDBOX=<url> another
	REPORTS_BUCKET=...  verify: put the sealed run into this bucket too (s3://<bucket>/[<prefix>])
	TIMESTAMP_URL=...   verify: have the run time-stamped by the authority at this address (RFC 3161)
	RUN=reports/latest  check-evidence, report-pdf: the run; check-evidence: or the folder of all, or s3://...
	PUBLIC_KEY=<file>   check-evidence: the key by which it must be signed
	TIMESTAMP_ROOT=...  check-evidence: the certificates (PEM) to which its time stamp must lead
	OUTPUTS=<file>      deploy: write the outputs there too; verify: take them from there, instead of our own state
	OUTPUTS_MAP=<file>  verify: which of another module's outputs is which of ours (docs/bring-your-own-trail.md)
	STATE_BUCKET=<name> keep Terraform's state in this S3 bucket, locked and encrypted
	WORK=<folder>       where each deployment has its state and outputs (default: .trailwarden)
	REPORTS=<folder>    verify: where reports go (default: reports)
	PORT=4599           sandbox, SANDBOX=1: where the sandbox listens, on 127.0.0.1
	PYTHON=python3      the Python that .venv is made with, 3.11 or newer
	VERIFY_ARGS="..."   verify: passed on to pytest (try VERIFY_ARGS=--help)
	AS_VERIFIER=1       verify: assume the deployment's verifier role, which may do what verifying takes and no more
	DRIFT=1             verify: also make a Terraform plan, and fail for all that it would change
	INSTALL_TERRAFORM=1 where there is no Terraform, fetch a pinned one into .tools, checked by SHA-256, without asking
	SBOM=<file>         sbom: where to write it (default: sbom.cdx.json)
	AUDIT_ARGS="..."    audit: passed on to pip-audit
	TESTS="..."         test: only these, by pytest's arguments
	PEERS=1             bench: beside Prowler and Cloud Custodian, too, each in an environment of its own
	MINUTES=20          soak: how long
	CALLS=10000         soak: how many calls in that time
	INSTALL_PACKAGES=1  test: install what the tests of the report look at it with (apt-get, as root)
	AUTO_APPROVE=1      deploy and destroy without asking, for CI
	TEXT

# --- environment ----------------------------------------------------------------------------------

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
		echo "Python 3.11 or newer is needed as $(PYTHON): install it, or set PYTHON=<program>" >&2
		exit 2
	}
	echo "creating the virtual environment $(VENV) ..."
	$(PYTHON) -m venv $(VENV)

# Each group's lock file holds the groups before it as well, so the newest stamp is enough.
$(VENV)/.installed-%: requirements/%.txt | $(PY)
	@echo "installing the locked $* dependencies, for up to a minute ..."
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

# What pins what others need newer, or is no part of the product, has an environment of its own, which is made when it is needed.
$(VENV)/%/.installed: requirements/%.txt | $(PY)
	@echo "installing $* into an environment of its own, for a minute or some ..."
	$(PYTHON) -m venv $(VENV)/$*
	$(VENV)/$*/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

OWN = $(patsubst %,$(VENV)/%/.installed,$(1))

AXE := $(VENV)/axe/.installed
$(AXE): requirements/axe.txt | $(PY)
	@echo "installing axe-core, which looks at the reports' pages, into a folder of its own ..."
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade --target $(VENV)/axe -r $<
	touch $@

RUNTIME := $(VENV)/.installed-runtime
LOCAL := $(VENV)/.installed-runtime $(VENV)/.installed-sandbox
DEVELOPMENT := $(LOCAL) $(VENV)/.installed-development

package: | $(PY) ## [at once] build the function's zip (the same bytes on every machine)
	@$(PY) lambda/build.py --output $(PACKAGE) $(if $(filter package,$(MAKECMDGOALS)),,>/dev/null)

# Before anything is started, since it may ask.
found-terraform: $(RUNTIME)
	@$(PY) -m deploy terraform >/dev/null

# --- the pipeline ---------------------------------------------------------------------------------

demo: $(LOCAL) found-terraform package ## [2 minutes] sandbox up, deploy, verify, sandbox down: no AWS account needed
	@mkdir -p $(call quoted,$(WORK))
	work=$$(mktemp -d $(call quoted,$(WORK))/demo.XXXXXX)
	: >"$$work/sandbox.out" # it is read before the sandbox may have come to write it
	echo "1 of 3: starting a local AWS account, some seconds ..."
	$(PY) -m sandbox --port 0 >"$$work/sandbox.out" 2>"$$work/sandbox.log" &
	sandbox=$$!
	left=
	trap 'kill $$sandbox 2>/dev/null || true; wait $$sandbox 2>/dev/null || true; if [ -z "$$left" ]; then rm -rf "$$work"; fi' EXIT
	url=
	for _ in $$(seq 300); do
		url=$$(sed -nE 's/^sandbox ready: (http[^ ]*).*/\1/p' "$$work/sandbox.out")
		if [ -n "$$url" ]; then break; fi
		if ! kill -0 $$sandbox 2>/dev/null; then break; fi
		sleep 0.1
	done
	if [ -z "$$url" ]; then echo "the sandbox did not start:" >&2; cat "$$work/sandbox.log" >&2; exit 2; fi
	echo "sandbox: $$url"
	echo "2 of 3: deploying the audit trail to it, about a minute ..."
	$(AGAIN) deploy SANDBOX="$$url" WORK="$$work" AUTO_APPROVE=1 || {
		left=1
		echo "the demo ends here: what the sandbox and Terraform wrote is in $$work" >&2
		exit 2
	}
	echo "3 of 3: verifying it, some seconds ..."
	code=0
	$(AGAIN) verify SANDBOX="$$url" WORK="$$work" AS_VERIFIER=1 || code=$$?
	reports=$(call quoted,$(REPORTS))
	if [ -f "$$reports/latest/report.html" ]; then echo "open $$(cd "$$reports" && pwd)/latest/report.html"; fi
	exit $$code

sandbox: $(LOCAL) ## [until Ctrl-C] run the local AWS account in the foreground
	@exec $(PY) -m sandbox --port $(call quoted,$(PORT))

deploy: $(RUNTIME) package ## [1 minute] create or change the deployment
	@$(PY) -m deploy apply $(DEPLOY_FLAGS) $(STATE_FLAGS) $(VARIABLES_FLAGS) --function-package $(PACKAGE) \
		$(if $(OUTPUTS),--output $(call quoted,$(OUTPUTS)))

plan: $(RUNTIME) package ## [20 seconds] show what deploy would change
	@$(PY) -m deploy plan $(DEPLOY_FLAGS) $(STATE_FLAGS) $(VARIABLES_FLAGS) --function-package $(PACKAGE)

# A plan holds values, sensitive ones included: it goes through a pipe and onto no disk.
verify: $(RUNTIME) package ## [10 seconds] prove that the deployment works; reports go to reports/latest
	@if [ -n "$(ASKS_ONLY)" ]; then exec $(PY) -m pytest $(VERIFY_ARGS); fi
	outputs=$(call quoted,$(OUTPUTS))
	state=
	if [ -z "$$outputs" ]; then
		mkdir -p $(call quoted,$(WORK))
		outputs=$(call quoted,$(WORK))/outputs.json
		state=$(call quoted,$(WORK))/state-summary.json
		$(PY) -m deploy outputs $(DEPLOY_FLAGS) $(STATE_FLAGS) --output "$$outputs" --state-summary "$$state" >/dev/null
	fi
	exec $(VERIFY_ENVIRONMENT) $(PY) -m pytest --outputs="$$outputs" $${state:+--terraform-state="$$state"} $(if $(OUTPUTS_MAP),--outputs-map=$(call quoted,$(OUTPUTS_MAP))) --profile=$(call quoted,$(BASELINE)) \
		--reports=$(call quoted,$(REPORTS)) --function-package=$(PACKAGE) $(VARIABLES_FLAGS) $(if $(AS_VERIFIER),--as-verifier) $(SEAL_FLAGS) $(DRIFT_ARGUMENTS) $(VERIFY_ARGS)

check-evidence: $(RUNTIME) ## [seconds] prove offline that a run's folder is as it was sealed, and gives its verdicts (RUN=reports: of all)
	@exec $(VERIFY_ENVIRONMENT) $(PY) -m verify check-evidence $(if $(PUBLIC_KEY),--public-key=$(call quoted,$(PUBLIC_KEY))) \
		$(if $(TIMESTAMP_ROOT),--timestamp-root=$(call quoted,$(TIMESTAMP_ROOT))) $(call quoted,$(RUN))

report-pdf: $(RUNTIME) ## [seconds] print a run as a PDF, beside its folder (RUN=reports/latest; it needs Chromium)
	@exec $(PY) -m verify pdf $(call quoted,$(RUN))

destroy: $(RUNTIME) ## [1 minute] remove the deployment
	@$(PY) -m deploy destroy $(DEPLOY_FLAGS) $(STATE_FLAGS) $(VARIABLES_FLAGS)

# --- the project itself ---------------------------------------------------------------------------

test: $(DEVELOPMENT) $(if $(TESTS),,found-terraform) $(call OWN,formats pipelines supply) $(AXE) package browser lint ## [20 minutes] every test of the project itself (TESTS="<pytest's arguments>": those)
	@$(PROJECT_TESTS) $(if $(TESTS),$(TESTS),-n $(WORKERS) --dist loadfile --no-loadscope-reorder tests)

fast: $(DEVELOPMENT) package ## [1 minute] style, types and the tests that need no account: what to run first and often
	@$(AGAIN) lint >$(VENV)/lint.txt 2>&1 &
	lint=$$!
	code=0
	$(PROJECT_TESTS) -n 2 --dist loadfile -m "not slow" -q tests || code=$$?
	wait $$lint || code=$$?
	cat $(VENV)/lint.txt
	exit $$code

lint: $(DEVELOPMENT) $(call OWN,checkov) ## [1 minute] style, complexity, types, who may know whom, and checkov on the Terraform module
	@$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	echo "who may know whom ..."
	PYTHONPATH=lambda $(VENV)/bin/lint-imports
	echo "types, up to a minute ..."
	$(VENV)/bin/mypy
	echo "the Terraform module with each profile's values, some 20 s each ..."
	for values in terraform/profiles/*.tfvars; do $(VENV)/checkov/bin/checkov --config-file .checkov.yaml --var-file "$$values"; done

format: $(DEVELOPMENT) ## [seconds] put Python and Terraform files into their format
	@$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .
	"$$($(PY) -m deploy terraform)" fmt -recursive terraform

docs: $(RUNTIME) ## [seconds] write the generated pages of docs/, and EventBridge's patterns from the function's rules
	@$(PY) -m verify controls >docs/controls.md
	$(PY) -m verify requirements >docs/requirements.md
	$(PY) -m deploy.costs >docs/costs.md
	$(PY) -m supply licences >docs/licences.md
	$(PY) lambda/event_patterns.py

screenshots: $(DEVELOPMENT) package browser ## [3 minutes] take the pictures of a report in docs/images, from runs in a sandbox
	@$(PY) -m tests.report.screenshots

mutate: $(DEVELOPMENT) package ## [over an hour] break one thing after the other and see that the right control notices
	@$(PY) -m mutants --profile $(call quoted,$(PROFILE))

bench: $(DEVELOPMENT) package $(if $(PEERS),$(call OWN,prowler custodian)) ## [20 minutes] measure, as one table of ratios in bench/results.md (PEERS=1: beside Prowler and Cloud Custodian, too)
	@$(PY) -m bench $(if $(PEERS),--peers) --output bench/results.md

soak: $(DEVELOPMENT) package ## [25 minutes] put a sandbox under MINUTES=20 of CALLS=10000, and see that each violation is told exactly once
	@$(PY) -m soak --minutes $(call quoted,$(MINUTES)) --calls $(call quoted,$(CALLS)) --profile $(call quoted,$(PROFILE)) --output soak/results.md

# The report's pages are tested in a real browser. Nothing is installed on the system without consent: in CI, or
# with INSTALL_PACKAGES=1. Without the programs, those tests are skipped (in CI they fail).
browser:
	@packages=
	if ! command -v chromium && ! command -v chromium-browser && ! command -v google-chrome; then packages="chromium"; fi >/dev/null
	if ! command -v pdftoppm >/dev/null; then packages="$$packages poppler-utils"; fi
	if ! command -v jq >/dev/null; then packages="$$packages jq"; fi
	if [ -z "$$packages" ]; then exit 0; fi
	echo "not on this machine: $$packages; the tests of the report look at it with them"
	if [ -z "$(INSTALL_PACKAGES)$${CI:-}" ] || ! command -v apt-get >/dev/null; then
		echo "those tests will be skipped: install the packages, or let INSTALL_PACKAGES=1 do so (with apt-get, as root)"
		exit 0
	fi
	echo "installing them with apt-get, for a minute or two ..."
	apt-get update -qq && apt-get install -y -qq --no-install-recommends $$packages >/dev/null

# By itself, since what else is installed in $(VENV) is no part of the product.
sbom: $(call OWN,supply) ## [1 minute] write the bill of materials of what runs (CycloneDX, valid by its schema) to SBOM=sbom.cdx.json
	@echo "installing the locked runtime dependencies by themselves, to list them and nothing else ..."
	$(PYTHON) -m venv --clear --without-pip $(VENV)/bare
	$(VENV)/supply/bin/pip --python $(VENV)/bare/bin/python install --quiet --disable-pip-version-check \
		--require-hashes -r requirements/runtime.txt
	echo "listing them ..."
	$(VENV)/supply/bin/cyclonedx-py environment $(VENV)/bare --pyproject pyproject.toml --spec-version 1.6 \
		--output-reproducible --output-file $(call quoted,$(SBOM))
	echo "bill of materials: "$(call quoted,$(SBOM))

audit: $(call OWN,supply) $(RUNTIME) ## [1 minute] ask pip-audit what is known of every lock (AUDIT_ARGS="-s osv" asks OSV instead of PyPI)
	@exec $(PY) -m supply audit --program $(VENV)/supply/bin/pip-audit \
		$(patsubst %,--lock %,$(wildcard requirements/*.txt)) $(if $(AUDIT_ARGS),-- $(AUDIT_ARGS))

lock: $(DEVELOPMENT) ## [minutes] pin the newest dependencies that pyproject.toml admits
	@export CUSTOM_COMPILE_COMMAND="make lock"
	flags="--quiet --strip-extras --allow-unsafe --generate-hashes --no-header
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --upgrade"
	$(VENV)/bin/pip-compile $$flags --extra sandbox --extra development -o requirements/development.txt pyproject.toml
	$(VENV)/bin/pip-compile $$flags -c requirements/development.txt -o requirements/runtime.txt pyproject.toml
	$(VENV)/bin/pip-compile $$flags -c requirements/development.txt --extra sandbox -o requirements/sandbox.txt pyproject.toml
	$(VENV)/bin/pip-compile $$flags -o requirements/checkov.txt requirements/checkov.in
	$(VENV)/bin/pip-compile $$flags -o requirements/formats.txt requirements/formats.in
	$(VENV)/bin/pip-compile $$flags -o requirements/pipelines.txt requirements/pipelines.in
	$(VENV)/bin/pip-compile $$flags -o requirements/supply.txt requirements/supply.in
	# Of the package's own dependencies nothing is installed.
	unused="--unsafe-package playwright --unsafe-package greenlet --unsafe-package pyee --unsafe-package typing-extensions"
	$(VENV)/bin/pip-compile $${flags/--allow-unsafe/} $$unused -o requirements/axe.txt requirements/axe.in
	$(VENV)/bin/pip-compile $$flags -o requirements/prowler.txt requirements/prowler.in
	$(VENV)/bin/pip-compile $$flags -o requirements/custodian.txt requirements/custodian.in

clean: ## [at once] remove what was built and installed; deployments' state stays
	@rm -rf $(VENV) .tools lambda/dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
