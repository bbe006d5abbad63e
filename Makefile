# Two commands set everything up: `make demo` (the main job) and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
EXTRAS = cli,train,board,notebook,dev
HLS4ML = hls4ml==1.3.0
export OMP_NUM_THREADS ?= 1

# A torch that the given Python already has is kept (with the torchvision of the same release), not replaced.
TORCH := $(shell $(PYTHON) -c "import importlib.metadata as m; print(m.version('torch'))" 2>/dev/null)

.PHONY: demo test test-slow lint types install clean

demo: $(VENV)/ready
	$(BIN)/lutforge demo

test: $(VENV)/ready
	$(BIN)/pytest -m "not slow and not board and not tool" $(PYTEST)

test-slow: $(VENV)/ready
	$(BIN)/pytest -m "slow and not board and not tool" $(PYTEST)

lint: $(VENV)/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/ready
	PATH="$(CURDIR)/$(BIN):$$PATH" bash tests/typecheck.sh

install: $(VENV)/ready

$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 12) else 'lutforge needs Python 3.11 or 3.12 here, $(PYTHON) is ' + sys.version.split()[0] + '; set PYTHON=')"
	@command -v g++ >/dev/null || { echo "g++ was not found; install it (apt install g++)"; exit 2; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(if $(TORCH),--system-site-packages) $(VENV)
	@grep -v -E "$(if $(TORCH),^torch,^$$)" constraints.txt > $(VENV)/constraints.txt
	@$(if $(TORCH),echo "torch==$(TORCH)" >> $(VENV)/constraints.txt)
	@$(if $(TORCH),echo "torchvision==0.$$(( $$(echo $(TORCH) | cut -d. -f2) + 15 )).*" >> $(VENV)/constraints.txt)
	$(BIN)/pip install -c $(VENV)/constraints.txt "setuptools>=77" $(if $(TORCH),,torch)
	$(BIN)/pip install -c $(VENV)/constraints.txt -e ".[$(EXTRAS)]"
	$(BIN)/pip install --no-deps "$(HLS4ML)"
	@touch $@

clean:
	rm -rf build $(VENV)
