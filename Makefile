# The way in. `make help` lists what there is.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# --- what a user may set --------------------------------------------------------------------------

PROFILE ?= dev
BASELINE ?= $(PROFILE)
VARIABLES ?=
REGION ?=
STATE_BUCKET ?=
OUTPUTS ?=
RUN ?= $(REPORTS)/latest
PUBLIC_KEY ?=
VERIFY_ARGS ?=
TESTS ?=
INSTALL_PACKAGES ?=
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

.PHONY: help demo test fast sandbox deploy plan verify check-evidence report-pdf destroy mutate bench docs screenshots lint format package lock browser clean

help: ## list the targets and what they take
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
	cat <<'TEXT'

	PROFILE=dev         what to deploy and what the account is held to
	VARIABLES=<file>    values of the module's variables (.tfvars) in place of the profile's
	BASELINE=<file>     verify: hold the account to this baseline instead of the profile's
	REGION=...          home region (default: AWS's configuration, or ap-southeast-1)
	SANDBOX=1           use the sandbox that `make sandbox` runs instead of AWS; SANDBOX=<url> another
	RUN=reports/latest  check-evidence, report-pdf: the run; check-evidence: or the folder of all
	PUBLIC_KEY=<file>   check-evidence: the key by which it must be signed
	OUTPUTS=<file>      verify: what `terraform output -json` printed, instead of our own state
	STATE_BUCKET=<name> keep Terraform's state in this S3 bucket, locked and encrypted
	VERIFY_ARGS="..."   verify: passed on to pytest (try VERIFY_ARGS=--help)
	AS_VERIFIER=1       verify: assume the deployment's verifier role, which may do what verifying takes and no more
	DRIFT=1             verify: also make a Terraform plan, and fail for all that it would change
	TESTS="..."         test: only these, by pytest's arguments
	INSTALL_PACKAGES=1  test: install what the tests of the report look at it with (apt-get, as root)
	AUTO_APPROVE=1      deploy and destroy without asking, for CI
	TEXT

# --- environment ----------------------------------------------------------------------------------

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
		echo "Python 3.11 or newer is needed as $(PYTHON): install it, or set PYTHON=<program>" >&2
		exit 2
	}
	echo "creating the virtual environment $(VENV)"
	$(PYTHON) -m venv $(VENV)

# Each group's lock file holds the groups before it as well, so the newest stamp is enough.
$(VENV)/.installed-%: requirements/%.txt | $(PY)
	@echo "installing the locked $* dependencies"
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

# It pins what the others need newer.
CHECKOV := $(VENV)/checkov/bin/checkov
$(CHECKOV): requirements/checkov.txt | $(PY)
	@echo "installing checkov, into an environment of its own"
	$(PYTHON) -m venv $(VENV)/checkov
	$(VENV)/checkov/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

FORMATS := $(VENV)/formats/.installed
$(FORMATS): requirements/formats.txt | $(PY)
	@echo "installing what reads the reports' standard formats, into an environment of its own"
	$(PYTHON) -m venv $(VENV)/formats
	$(VENV)/formats/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

AXE := $(VENV)/axe/.installed
$(AXE): requirements/axe.txt | $(PY)
	@echo "installing axe-core, which looks at the reports' pages"
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade --target $(VENV)/axe -r $<
	touch $@

RUNTIME := $(VENV)/.installed-runtime
LOCAL := $(VENV)/.installed-runtime $(VENV)/.installed-sandbox
DEVELOPMENT := $(LOCAL) $(VENV)/.installed-development

package: | $(PY) ## build the function's zip (the same bytes on every machine)
	@$(PY) lambda/build.py --output $(PACKAGE)

# --- the pipeline ---------------------------------------------------------------------------------

demo: $(LOCAL) package ## sandbox up, deploy, verify, sandbox down: no AWS account needed
	@mkdir -p $(call quoted,$(WORK))
	work=$$(mktemp -d $(call quoted,$(WORK))/demo.XXXXXX)
	: >"$$work/sandbox.out" # it is read before the sandbox may have come to write it
	$(PY) -m sandbox --port 0 >"$$work/sandbox.out" 2>"$$work/sandbox.log" &
	sandbox=$$!
	trap 'kill $$sandbox 2>/dev/null || true; wait $$sandbox 2>/dev/null || true; rm -rf "$$work"' EXIT
	url=
	for _ in $$(seq 300); do
		url=$$(sed -nE 's/^sandbox ready: (http[^ ]*).*/\1/p' "$$work/sandbox.out")
		if [ -n "$$url" ]; then break; fi
		if ! kill -0 $$sandbox 2>/dev/null; then break; fi
		sleep 0.1
	done
	if [ -z "$$url" ]; then echo "the sandbox did not start:" >&2; cat "$$work/sandbox.log" >&2; exit 2; fi
	echo "sandbox: $$url"
	$(AGAIN) deploy SANDBOX="$$url" WORK="$$work" AUTO_APPROVE=1
	code=0
	$(AGAIN) verify SANDBOX="$$url" WORK="$$work" AS_VERIFIER=1 || code=$$?
	reports=$(call quoted,$(REPORTS))
	if [ -f "$$reports/latest/report.html" ]; then echo "open $$(cd "$$reports" && pwd)/latest/report.html"; fi
	exit $$code

sandbox: $(LOCAL) ## run the local AWS account in the foreground (PORT=4599)
	@exec $(PY) -m sandbox --port $(call quoted,$(PORT))

deploy: $(RUNTIME) package ## create or change the deployment
	@$(PY) -m deploy apply $(DEPLOY_FLAGS) $(STATE_FLAGS) $(VARIABLES_FLAGS) --function-package $(PACKAGE)

plan: $(RUNTIME) package ## show what deploy would change
	@$(PY) -m deploy plan $(DEPLOY_FLAGS) $(STATE_FLAGS) $(VARIABLES_FLAGS) --function-package $(PACKAGE)

# A plan holds values, sensitive ones included: it goes through a pipe and onto no disk.
verify: $(RUNTIME) package ## prove that the deployment works; reports go to reports/latest
	@if [ -n "$(ASKS_ONLY)" ]; then exec $(PY) -m pytest $(VERIFY_ARGS); fi
	outputs=$(call quoted,$(OUTPUTS))
	state=
	if [ -z "$$outputs" ]; then
		mkdir -p $(call quoted,$(WORK))
		outputs=$(call quoted,$(WORK))/outputs.json
		state=$(call quoted,$(WORK))/state-summary.json
		$(PY) -m deploy outputs $(DEPLOY_FLAGS) $(STATE_FLAGS) --output "$$outputs" --state-summary "$$state" >/dev/null
	fi
	exec $(VERIFY_ENVIRONMENT) $(PY) -m pytest --outputs="$$outputs" $${state:+--terraform-state="$$state"} --profile=$(call quoted,$(BASELINE)) \
		--reports=$(call quoted,$(REPORTS)) --function-package=$(PACKAGE) $(VARIABLES_FLAGS) $(if $(AS_VERIFIER),--as-verifier) $(DRIFT_ARGUMENTS) $(VERIFY_ARGS)

check-evidence: $(RUNTIME) ## prove offline that a run's folder is as it was sealed, and gives its verdicts (RUN=reports: of all)
	@exec $(PY) -m verify check-evidence $(if $(PUBLIC_KEY),--public-key=$(call quoted,$(PUBLIC_KEY))) $(call quoted,$(RUN))

report-pdf: $(RUNTIME) ## print a run as a PDF, beside its folder (RUN=reports/latest; it needs Chromium)
	@exec $(PY) -m verify pdf $(call quoted,$(RUN))

destroy: $(RUNTIME) ## remove the deployment
	@$(PY) -m deploy destroy $(DEPLOY_FLAGS) $(STATE_FLAGS) $(VARIABLES_FLAGS)

# --- the project itself ---------------------------------------------------------------------------

test: $(DEVELOPMENT) $(FORMATS) $(AXE) package browser lint ## every test of the project itself (TESTS="<pytest's arguments>": those)
	@$(PROJECT_TESTS) $(if $(TESTS),$(TESTS),-n $(WORKERS) --dist loadfile --no-loadscope-reorder tests)

fast: $(DEVELOPMENT) package ## style, types and the tests that need no account: an answer in about a minute
	@$(AGAIN) lint >$(VENV)/lint.txt 2>&1 &
	lint=$$!
	code=0
	$(PROJECT_TESTS) -n 2 --dist loadfile -m "not slow" -q tests || code=$$?
	wait $$lint || code=$$?
	cat $(VENV)/lint.txt
	exit $$code

lint: $(DEVELOPMENT) $(CHECKOV) ## style, complexity, types, who may know whom, and checkov on the Terraform module
	@$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	PYTHONPATH=lambda $(VENV)/bin/lint-imports
	$(VENV)/bin/mypy
	for values in terraform/profiles/*.tfvars; do $(CHECKOV) --config-file .checkov.yaml --var-file "$$values"; done

format: $(DEVELOPMENT) ## put Python and Terraform files into their format
	@$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .
	terraform fmt -recursive terraform

docs: $(RUNTIME) ## write the generated pages of docs/, and EventBridge's patterns from the function's rules
	@$(PY) -m verify controls >docs/controls.md
	$(PY) -m verify requirements >docs/requirements.md
	$(PY) -m deploy.costs >docs/costs.md
	$(PY) lambda/event_patterns.py

screenshots: $(DEVELOPMENT) package browser ## take the pictures of a report in docs/images, from runs in a sandbox
	@$(PY) -m tests.report.screenshots

mutate: $(DEVELOPMENT) package ## break one thing after the other and see that the right control notices
	@$(PY) -m mutants --profile $(call quoted,$(PROFILE))

bench: $(DEVELOPMENT) package ## measure, as ratios in one run
	@$(PY) -m bench

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
	echo "installing them with apt-get"
	apt-get update -qq && apt-get install -y -qq --no-install-recommends $$packages >/dev/null

lock: $(DEVELOPMENT) ## pin the newest dependencies that pyproject.toml admits
	@export CUSTOM_COMPILE_COMMAND="make lock"
	flags="--quiet --strip-extras --allow-unsafe --generate-hashes --no-header
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --upgrade"
	$(VENV)/bin/pip-compile $$flags --extra sandbox --extra development -o requirements/development.txt pyproject.toml
	$(VENV)/bin/pip-compile $$flags -c requirements/development.txt -o requirements/runtime.txt pyproject.toml
	$(VENV)/bin/pip-compile $$flags -c requirements/development.txt --extra sandbox -o requirements/sandbox.txt pyproject.toml
	$(VENV)/bin/pip-compile $$flags -o requirements/checkov.txt requirements/checkov.in
	$(VENV)/bin/pip-compile $$flags -o requirements/formats.txt requirements/formats.in
	# Of the package's own dependencies nothing is installed.
	unused="--unsafe-package playwright --unsafe-package greenlet --unsafe-package pyee --unsafe-package typing-extensions"
	$(VENV)/bin/pip-compile $${flags/--allow-unsafe/} $$unused -o requirements/axe.txt requirements/axe.in

clean: ## remove what was built and installed; deployments' state stays
	@rm -rf $(VENV) lambda/dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
