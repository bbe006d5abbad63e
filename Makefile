# Two commands set everything up: `make demo` (the main job) and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
EXTRAS = cli,train,board,notebook,synth,dev
HLS4ML = hls4ml==1.3.0
PARALLEL = -n logical --maxprocesses 4 --dist worksteal
export OMP_NUM_THREADS ?= 1

TORCH_VERSION = import importlib.metadata as m; print(m.version("torch").split("+")[0])

.PHONY: demo test test-slow lint types install clean

demo: $(VENV)/ready
	$(BIN)/lutforge demo

test: $(VENV)/ready
	$(BIN)/pytest $(PARALLEL) -m "not slow and not board and not tool" $(PYTEST)

test-slow: $(VENV)/ready
	$(BIN)/pytest $(PARALLEL) -m "slow and not board and not tool" $(PYTEST)

lint: $(VENV)/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/ready
	PATH="$(CURDIR)/$(BIN):$$PATH" bash tests/typecheck.sh

install: $(VENV)/ready

$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 12) else 'lutforge needs Python 3.11 or 3.12 here, $(PYTHON) is ' + sys.version.split()[0] + '; set PYTHON=')"
	@command -v g++ >/dev/null || { echo "g++ was not found; install it (apt install g++)"; exit 2; }
	@# a torch that the given Python, or an existing $(VENV), already has is kept, with the torchvision of its release
	@test -x $(BIN)/pip || $(PYTHON) -m venv \
	    $$($(PYTHON) -c '$(TORCH_VERSION)' >/dev/null 2>&1 && echo --system-site-packages) $(VENV)
	@torch=$$($(BIN)/python -c '$(TORCH_VERSION)' 2>/dev/null); \
	if [ -z "$$torch" ]; then cp constraints.txt $(VENV)/constraints.txt; else \
	    echo "keeping torch $$torch"; grep -v ^torch constraints.txt > $(VENV)/constraints.txt; \
	    echo "torch==$$torch" >> $(VENV)/constraints.txt; \
	    echo "torchvision==0.$$(( $$(echo $$torch | cut -d. -f2) + 15 )).*" >> $(VENV)/constraints.txt; fi
	$(BIN)/pip install -c $(VENV)/constraints.txt setuptools torch
	$(BIN)/pip install -c $(VENV)/constraints.txt -e ".[$(EXTRAS)]"
	$(BIN)/pip install --no-deps "$(HLS4ML)"
	@touch $@

clean:
	rm -rf build $(VENV)
