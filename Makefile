# images → train → Finalmodel.h5 → convert → Finalmodel*.tflite → edge → results
#
#   make run-edge                 the camera, or the built-in demo where there is none
#   make test                     everything that checks the project
#   make data ARCHIVE=faces.zip   make train   make convert   make bench
#   make bench-peers              the same frames through the public alternatives (gigabytes to fetch)
#   make package                  dist/: all that a device needs to install it without a network
#   sudo make install-service     … and installs it on this one as a service
#   sudo make test-arm            runs dist/ on emulated Raspberry Pis and compares it with this PC

PYTHON ?= python3
RECIPE ?= final
SEED ?= 0
HANDLE ?= jonathanoheix/face-expression-recognition-dataset

# What a user gives reaches the shell as variables of the environment, so that no quote or blank in a
# path is taken for a part of a command (make itself reads a dollar sign: write $$). OUTPUT is a list
# of words, ARGS a part of the command line as it stands.
export RECIPE SEED HANDLE SOURCE DETECTOR ARCHIVE H5 OUTPUT BASE NEW

# The OpenCV with a window where the system has libGL, else the same library without one.
LIBGL := $(wildcard /usr/lib/*/libGL.so.1 /usr/lib64/libGL.so.1 /usr/lib/libGL.so.1)
OPENCV ?= $(if $(filter Linux,$(shell uname -s)),$(if $(LIBGL),opencv,opencv-headless),opencv)

PIP := .venv/pip/bin/python
EDGE := .venv/edge/bin/python
TRAIN := .venv/train/bin/python
MEDIAPIPE := .venv/mediapipe/bin/python
TFLITE_RUNTIME := .venv/tflite-runtime/bin/python
PEERS := $(patsubst requirements/peers/%.txt,.venv/peers/%/ready,$(wildcard requirements/peers/*.txt))

# What a package is for: 64-bit PCs and Raspberry Pis, with the Pythons of Raspberry Pi OS 12 and 13.
MACHINES := x86_64 aarch64
PYTHONS := 3.11 3.13

.PHONY: help run-edge data train convert bench bench-compare bench-peers evaluate document test \
  check assets clean package install-service test-arm given-archive given-base
.DELETE_ON_ERROR:

help:
	@sed -n '3,9p' Makefile

run-edge: $(if $(filter mediapipe,$(DETECTOR)),.venv/mediapipe/ready,.venv/edge/ready) assets
	@set -f; for path in $$OUTPUT; do set -- "$$@" --output "$$path"; done; \
	exec $(if $(filter mediapipe,$(DETECTOR)),$(MEDIAPIPE),$(EDGE)) -m edge run \
	  $${SOURCE:+--source "$$SOURCE"} $${DETECTOR:+--detector "$$DETECTOR"} "$$@" $(ARGS)

data: given-archive .venv/train/ready
	@exec $(TRAIN) -m train data --handle "$$HANDLE" $${ARCHIVE:+--archive "$$ARCHIVE"}

train: .venv/train/ready assets
	@exec $(TRAIN) -m train fit --recipe "$$RECIPE" --seed "$$SEED" $${H5:+--target "$$H5"}

convert: .venv/train/ready
	@exec $(TRAIN) -m convert --recipe "$$RECIPE" $${H5:+--model "$$H5"}

# Where there is no package for its second detector, on a Pi with 32 bits for example, the row of that
# detector says so.
bench: .venv/train/ready .venv/edge/ready assets
	-@$(MAKE) --no-print-directory .venv/mediapipe/ready
	@exec $(TRAIN) -m benchmarks --python $(EDGE) --mediapipe $(MEDIAPIPE) $(ARGS)

bench-compare: given-base .venv/train/ready
	@exec $(TRAIN) -m benchmarks compare "$$BASE" $${NEW:+"$$NEW"} $(ARGS)

# One that can't be set up is a row with its error: the others are measured all the same.
bench-peers: .venv/train/ready .venv/edge/ready assets
	-@$(MAKE) --no-print-directory --keep-going $(PEERS)
	@exec $(TRAIN) -m benchmarks peers $(ARGS)

evaluate: .venv/train/ready assets
	@exec $(TRAIN) -m benchmarks evaluate $(ARGS)

document: .venv/train/ready
	@exec $(TRAIN) -m benchmarks document

test: check .venv/edge/ready .venv/mediapipe/test-ready .venv/tflite-runtime/ready assets
	$(MEDIAPIPE) -m pytest -q -m mediapipe tests/edge
	@if [ -x $(TFLITE_RUNTIME) ]; then exec $(TFLITE_RUNTIME) -m pytest -q -m tflite_runtime tests/edge; fi
	EDGE_PYTHON=$(EDGE) exec $(TRAIN) -m pytest -q -m "not mediapipe and not tflite_runtime"

check: .venv/train/test-ready
	.venv/train/bin/ruff format --check .
	.venv/train/bin/ruff check .
	.venv/train/bin/mypy edge train convert benchmarks
	.venv/train/bin/lint-imports --no-logo

assets: .venv/pip/ready
	@$(PIP) -m edge.assets

# One wheel with model and assets, and beside it those that it needs. In a folder of its own until it
# is complete: pip installs the newest of what it finds, and without a network the last one stays.
package: assets
	@rm -rf build/dist
	@$(PIP) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/dist . || \
	  { echo "expected a network to fetch packages from, found none that serves them; dist/ is as it was" >&2; exit 1; }
	@$(foreach machine,$(MACHINES),$(foreach python,$(PYTHONS),$(call device_wheels,$(machine),$(python))))
	@install -m 755 edge/service/install build/dist/install-service
	@rm -rf dist && mv build/dist dist
	@echo "dist/ is complete, $$(du -sh dist | cut -f1). On the device, with a copy of it and without a network:"
	@echo "  sudo dist/install-service   as a service that starts at every boot"
	@echo "or in an environment of your own: README.md, 'On a device, as a service'"

define device_wheels
echo "wheels for $(1), Python $(2)"; \
$(PIP) -m pip download --quiet --disable-pip-version-check --only-binary=:all: --dest build/dist \
  --implementation cp --python-version $(2) $(foreach version,2_28 2_27 2_17,--platform manylinux_$(version)_$(1)) \
  --platform manylinux2014_$(1) -r requirements/edge.txt -r requirements/opencv-headless.txt || exit 1;
endef

# Puts it to /opt/expressions, starts it now and at every boot; the script says each step.
install-service:
	@edge/service/install dist

# Not a part of 'test': it needs root, Debian's mmdebstrap and qemu-user-static, and some minutes.
test-arm: package
	@exec $(EDGE) -m tests.arm $(ARGS)

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# Mistakes that show at once are told before an environment is set up for minutes.
given-archive:
	@test -z "$$ARCHIVE" || test -e "$$ARCHIVE" || \
	  { echo "$$ARCHIVE: expected an archive of FER2013 or its folder, found no such file; check the path" >&2; exit 1; }

given-base:
	@test -f "$$BASE" || \
	  { echo "$$BASE: expected the results of an earlier run, found no such file: give BASE=before.json" >&2; exit 1; }

# What installs into the others and fetches the assets, so that they need no pip of their own.
.venv/pip/ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version.split()[0] + ": name one with PYTHON=…")'
	@echo "setting up .venv (a minute or so)"
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@touch $@

# An environment is built anew when its requirements change; "ready" is its last step. Python compiles
# what is used, where it may write: a third of the small files, and of their space, is never needed.
define install
$(PIP) -m pip --python $(@D)/bin/python install --quiet --disable-pip-version-check --no-compile
endef

# LiteRT's parts for GPUs and NPUs, a tenth of a device's environment: the interpreter loads none.
ACCELERATORS := $(shell cat edge/service/accelerators)
define without_accelerators
@rm -rf $(addprefix $(@D)/lib/python3.*/site-packages/ai_edge_litert/,$(ACCELERATORS))
endef

# What one is told of an environment that is larger than it looks; empty for the others.
COST :=
define environment
@echo "setting up $(@D)$(COST): fetching packages, which needs a network"
@rm -rf $(@D)
@$(PYTHON) -m venv --without-pip $(@D)
@$(install) $(foreach file,$^,-r $(file))
@touch $@
endef

define test_tools
@$(install) -r requirements/test.txt
@touch $@
endef

# A run that may not write what it compiles would do so at every start, so a first one does it here.
.venv/edge/ready: requirements/edge.txt requirements/$(OPENCV).txt | .venv/pip/ready
	$(environment)
	$(without_accelerators)
	@env -u PYTHONDONTWRITEBYTECODE $(EDGE) -m edge doctor --display off > /dev/null || true

.venv/train/ready: COST := $() (TensorFlow: 2.6 GB on the disk; a few minutes)
.venv/train/ready: requirements/edge.txt requirements/$(OPENCV).txt requirements/train.txt | .venv/pip/ready
	$(environment)
	@env -u PYTHONDONTWRITEBYTECODE $(TRAIN) -c \
	  "import tensorflow, scipy.optimize, scipy.stats, sklearn.metrics, matplotlib.pyplot" \
	  > /dev/null 2>&1 || true

.venv/train/test-ready: .venv/train/ready requirements/test.txt
	$(test_tools)

.venv/mediapipe/ready: requirements/edge-mediapipe.txt | .venv/pip/ready
	$(environment)

.venv/mediapipe/test-ready: .venv/mediapipe/ready requirements/test.txt
	$(test_tools)

.venv/peers/%/ready: requirements/peers/%.txt | .venv/pip/ready
	$(environment)

# tflite-runtime has no build for Python 3.12 and later.
.venv/tflite-runtime/ready: requirements/edge-tflite-runtime.txt requirements/test.txt | .venv/pip/ready
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then \
	  echo "setting up $(@D)"; rm -rf $(@D); $(PYTHON) -m venv --without-pip $(@D) && \
	  $(install) $(foreach file,$^,-r $(file)); \
	else echo "not tested: tflite-runtime has no build for this Python"; mkdir -p $(@D); fi
	@touch $@
