# Every task of the project. `make help` lists them; people and CI run the same ones.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help run test e2e check bench bench-check bench-server bench-memory bench-inference bench-svi \
        bench-growth calibrate format vscode-packages vsix vscode-drive vscode-screens neovim-parser queries clean
.DEFAULT_GOAL := help

help: ## List the tasks
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(READY): pyproject.toml setup.py constraints.txt $(wildcard grammar/src/*.c)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip setuptools wheel -c constraints.txt
	$(BIN)/pip install --quiet -c constraints.txt torch
	$(BIN)/pip install --quiet -c constraints.txt --editable '.[dev]'
	@touch $@

run: $(READY) ## Check the eight-schools model and print its posterior
	$(BIN)/qvr check examples/eight_schools/noncentred.qvr
	$(BIN)/qvr run examples/eight_schools/noncentred.qvr

test: $(READY) check ## Lint, type-check and run the tests
	$(BIN)/pytest -m "not e2e"

e2e: $(READY) ## Run the end-to-end tests in real editors
	$(BIN)/pytest -m e2e

check: $(READY) ## Lint and type-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY) ## Time the commands, the server and the sampler
	$(BIN)/python benchmarks/commands.py

bench-check: $(READY) ## Time the front end, phase by phase
	$(BIN)/python benchmarks/front_end.py

bench-server: $(READY) ## Time the language server beside ruff server and ty server
	$(BIN)/pip install --quiet -c constraints.txt matplotlib ty
	$(BIN)/python benchmarks/server.py --output docs/benchmarks
	$(BIN)/python benchmarks/server_loop.py

bench-memory: $(READY) ## Draw the server's memory over 10,000 edits and 200 runs
	$(BIN)/pip install --quiet -c constraints.txt matplotlib
	$(BIN)/python benchmarks/server_memory.py --output docs/benchmarks

# The interpreter that has the peers: make bench-inference PEERS=/path/to/python
PEERS  ?= $(BIN)/python

bench-inference: $(READY) ## Time whole fits beside NumPyro and PyMC (PEERS=python that has them)
	$(BIN)/python benchmarks/inference.py --peers $(PEERS) --command --output docs/benchmarks

bench-svi: $(READY) ## Time SVI's steps beside NumPyro's and Pyro's (PEERS=python that has them)
	$(BIN)/python benchmarks/svi.py --peers $(PEERS) --output docs/benchmarks

bench-growth: $(READY) ## Time a gradient against rows and groups, kernel and torch
	$(BIN)/python benchmarks/inference_growth.py --output docs/benchmarks

calibrate: $(READY) ## Hold three posteriors against their priors, by simulation
	$(BIN)/python benchmarks/calibrate.py --output docs/benchmarks/calibration.svg

# npm writes this file when all that the lock names is there.
editors/vscode/node_modules/.package-lock.json: editors/vscode/package-lock.json
	cd editors/vscode && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

vscode-packages: editors/vscode/node_modules/.package-lock.json ## Install what the extension for VS Code is built with

vsix: vscode-packages ## Build the extension for VS Code into editors/vscode/dist (Node 20 or newer)
	cd editors/vscode && npm run package

vscode-drive: ## Install what drives a real VS Code in the end-to-end tests (Linux; QVR_DRIVE=folder)
	editors/vscode/test/drive/install.sh

# Those of its screenshots that docs/editors/vscode.md shows, in 256 colours, which are a third of the bytes.
SCREENS := squiggle posterior plate plate-diagram live no-python

vscode-screens: $(READY) vscode-drive ## Draw the screenshots of docs/editors/vscode.md anew
	CI=true QVR_VSCODE_SCREENS=$(CURDIR)/build/vscode-screens $(BIN)/pytest tests/e2e/test_vscode.py
	mkdir -p docs/editors/vscode
	$(BIN)/pip install --quiet -c constraints.txt pillow
	cd build/vscode-screens && $(CURDIR)/$(BIN)/python -c 'import sys; from PIL import Image; \
	  [Image.open(name).quantize(256, dither=Image.Dither.NONE).save("$(CURDIR)/docs/editors/vscode/" + name, optimize=True) \
	   for name in sys.argv[1:]]' $(SCREENS:%=%.png)

format: $(READY) ## Format the Python sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The parser and queries by which Neovim colours and folds without the server.
neovim-parser: ## Build the tree-sitter parser into editors/neovim
	mkdir -p editors/neovim/parser
	$(CC) -shared -fPIC -O2 -std=c11 -I grammar/src grammar/src/parser.c grammar/src/scanner.c \
	  -o editors/neovim/parser/qvr.so

queries: ## Write the editors' copies of the tree-sitter queries
	$(PYTHON) editors/queries.py

clean: ## Remove what building made
	rm -rf $(VENV) build dist *.egg-info quivers/syntax/*.so editors/neovim/parser
