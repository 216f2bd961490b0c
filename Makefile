## images → train → Finalmodel.h5 → convert → Finalmodel*.tflite → edge → results
##
## On any machine
##   make run-edge         find faces and name their expressions: the camera, or the built-in demo
##       SOURCE=           another camera, a stream, a video, a picture, a folder, "demo"
##       OUTPUT=           files to write, separated by blanks: "a.mp4 a.jsonl a.csv"
##       DETECTOR=         mediapipe: the MediaPipe package instead of its model alone
##   make scan             one table of all videos and pictures in folders, on all cores
##       SOURCE= OUTPUT=   the folder, and that of the results ("results")
##   make test             everything that checks the project, and how long each group took
##       TESTS=            some of the groups: "edge convert"
##   make test-stream      streams against a real RTSP server, from Debian packages that it names
##   make test-mqtt        results for a real broker, mosquitto from Debian
##   make test-web         the live page in a browser, Debian's chromium
##   make attack           bad inputs, fuzzed files, kills, signals: half an hour
##       PARTS= SEED=      some of them, "settings pictures", and the fuzzers' seed (0)
##   make soak             two runs for hours with a fault every ten minutes: memory, descriptors, threads
##       HOURS=            how long (8)
##       OUTPUT=           the folder of table, figures and plot ("build/soak")
##   make check            format, lint, types, imports: a group of 'make test'
##
## From images to the device
##   make data             FER2013, or images of your own → images/
##       ARCHIVE=          an archive or a folder; else FER2013 is downloaded
##       DATA=             another folder than images/
##       FACES=yes         they are whole photographs, to cut the faces out of
##       HANDLE=           the data set to download from Kaggle
##   make train            images/ → models/Finalmodel.h5
##       DATA=             other images than those in images/; name them for convert too
##       FROM=             a model to go on from: "models/Finalmodel.h5"
##       RECIPE= SEED=     what is trained ("final"; with DATA= "own", with FROM= "tuned") and its
##                         random seed (0); RECIPE=my.toml
##       SIZE= EPOCHS= SUBSET=   for a first impression: RECIPE=seed SIZE=64 EPOCHS=3 SUBSET=0.1
##       LOGS=             a folder that gets every epoch for TensorBoard
##       H5=               where the model is written; also which one 'make convert' takes
##   make compare          two trainings side by side, with McNemar's test → compare.png
##       A= B=             a recipe, a model or a report each; OUTPUT= another figure
##   make teachers         large networks for the others to learn from, one after the other; hours
##   make convert          Finalmodel.h5 → models/Finalmodel*.tflite, behind a parity gate
##       LABELS= INPUT=    H5= is a Keras model of another's making: what its outputs are,
##                         "angry,happy,sad", and what it takes for pixels, 0..1, 0..255 or -1..1
##
## Measuring
##   make bench            speed and accuracy of all models on this machine
##       H5=yes            on a Raspberry Pi, measure the h5 too (2.6 GB of TensorFlow)
##   make bench-compare    what the last run shows against an earlier one
##       BASE= NEW=        the results to compare; NEW is the last run
##   make bench-peers      the same frames through the public alternatives (gigabytes to download)
##   make bench-scan       scans of archives: speed, memory, how far one scheduler reaches
##   make evaluate         calibration, robustness, framing, smoothing of the deployed files
##   make evaluate-photos  the deployed files on labelled photographs of yours
##       PHOTOS=           a ZIP archive or a folder, with one CSV file: docs/benchmarks.md
##       CLASSES=          the labels that count: "angry,happy"; by default those of 50 faces
##   make document         write the tables and reports from the results again
##
## On a device
##   make package          dist/: all that a Raspberry Pi or PC needs to install it without a network,
##                         with checksums, licences and a list of the parts
##       VIDEO=yes         with what videos, streams and pictures need
##   make install-service  install dist/ on this machine as a service; with sudo
##   make test-arm         run dist/ on emulated Raspberry Pis and compare with this PC; with sudo
##   make test-boot        the service under a systemd that boots, in a container; with sudo
##
## Keeping house
##   make assets           fetch the detectors' weights and the demo's portraits
##   make face-weights     fetch the network that some teachers begin with (100 MB)
##   make requirements     compile requirements/*.in to versions with hashes
##   make clean            remove environments, dist/ and caches; trained models stay
##   make help             this list
##       ARGS=             more options for the program behind any of these: ARGS="--help"
##       PYTHON=           the Python to build environments with (python3; 3.11 or newer)
##       OPENCV=           opencv or opencv-headless; by default what the system's libGL allows

PYTHON ?= python3
RECIPE ?=
SEED ?= 0
HOURS ?= 8
HANDLE ?= jonathanoheix/face-expression-recognition-dataset

# What a user gives reaches the shell as variables of the environment, so that no quote or blank in a
# path is taken for a part of a command (make itself reads a dollar sign: write $$). OUTPUT is a list
# of words, ARGS a part of the command line as it stands.
export RECIPE SEED HOURS DATA FROM SIZE EPOCHS SUBSET LOGS A B HANDLE SOURCE DETECTOR ARCHIVE H5 LABELS INPUT OUTPUT BASE NEW
export PHOTOS CLASSES

# The OpenCV with a window where the system has libGL, else the same library without one.
LIBGL := $(wildcard /usr/lib/*/libGL.so.1 /usr/lib64/libGL.so.1 /usr/lib/libGL.so.1)
OPENCV ?= $(if $(filter Linux,$(shell uname -s)),$(if $(LIBGL),opencv,opencv-headless),opencv)

PIP := .venv/pip/bin/python
EDGE := .venv/edge/bin/python
TRAIN := .venv/train/bin/python
PACKAGE := .venv/package/bin/python
MEDIAPIPE := .venv/mediapipe/bin/python
TFLITE_RUNTIME := .venv/tflite-runtime/bin/python
PEERS := $(patsubst requirements/peers/%.txt,.venv/peers/%/ready,$(wildcard requirements/peers/*.txt))

# The environment that measures: without TensorFlow on a Raspberry Pi, unless it is asked for.
BENCH := $(if $(filter aarch64 armv%,$(shell uname -m)),$(if $(filter yes,$(H5)),train,bench),train)
RUN := $(if $(filter mediapipe,$(DETECTOR)),mediapipe,$(if $(filter %.parquet,$(OUTPUT)),scan,edge))

# What a package is for: 64-bit PCs and Raspberry Pis, with the Pythons of Raspberry Pi OS 12 and 13.
MACHINES := x86_64 aarch64
PYTHONS := 3.11 3.13

.PHONY: run-edge scan test attack soak test-stream test-mqtt test-web check data train compare teachers convert bench \
  bench-compare bench-peers bench-scan evaluate evaluate-photos document package install-service test-arm test-boot \
  assets face-weights requirements clean help given-archive given-runs given-base given-photos
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

help:
	@sed -nE 's/^## ?//p' Makefile

run-edge: .venv/$(RUN)/ready assets
	@set -f; for path in $$OUTPUT; do set -- "$$@" --output "$$path"; done; \
	exec .venv/$(RUN)/bin/python -m edge run \
	  $${SOURCE:+--source "$$SOURCE"} $${DETECTOR:+--detector "$$DETECTOR"} "$$@" $(ARGS)

scan: .venv/scan/ready assets
	@exec .venv/scan/bin/python -m edge scan $${SOURCE:+"$$SOURCE"} $${OUTPUT:+--output "$$OUTPUT"} $(ARGS)

test: .venv/train/test-ready .venv/edge/ready .venv/mediapipe/test-ready .venv/tflite-runtime/ready assets
	@exec $(TRAIN) -m tools.run_tests $(TESTS)

test-stream: .venv/train/test-ready .venv/edge/ready assets
	@exec $(TRAIN) -m tools.run_tests stream

test-mqtt: .venv/train/test-ready .venv/edge/ready assets
	@exec $(TRAIN) -m tools.run_tests mqtt

test-web: .venv/train/test-ready .venv/edge/ready assets
	@exec $(TRAIN) -m tools.run_tests web

attack: .venv/train/test-ready .venv/edge/ready assets
	@EDGE_PYTHON=$(EDGE) exec $(TRAIN) -m tests.attack $(PARTS) --seed "$$SEED" $(ARGS)

soak: .venv/train/test-ready .venv/edge/ready assets
	@EDGE_PYTHON=$(EDGE) exec $(TRAIN) -m tests.soak --hours "$$HOURS" $${OUTPUT:+--output "$$OUTPUT"} $(ARGS)

check: .venv/train/test-ready
	@exec $(TRAIN) -m tools.run_tests check

data: given-archive .venv/train/ready assets
	@exec $(TRAIN) -m train data --handle "$$HANDLE" $${ARCHIVE:+--archive "$$ARCHIVE"} \
	  $${DATA:+--images "$$DATA"} $(if $(filter yes,$(FACES)),--faces) $(ARGS)

# Some of them begin with the weights of another network, 100 MB to download.
train: .venv/train/ready assets $(if $(filter face%,$(RECIPE)),face-weights)
	@exec $(TRAIN) -m train fit $${RECIPE:+--recipe "$$RECIPE"} --seed "$$SEED" $${DATA:+--images "$$DATA"} \
	  $${FROM:+--start "$$FROM"} $${SIZE:+--side "$$SIZE"} $${EPOCHS:+--epochs "$$EPOCHS"} \
	  $${SUBSET:+--subset "$$SUBSET"} $${H5:+--target "$$H5"} $${LOGS:+--logs "$$LOGS"} $(ARGS)

compare: given-runs .venv/train/ready
	@exec $(TRAIN) -m train compare "$$A" "$$B" $${OUTPUT:+--output "$$OUTPUT"} $(ARGS)

teachers: .venv/train/ready assets face-weights
	@exec $(TRAIN) -m train teachers $(ARGS)

convert: .venv/train/ready
	@exec $(TRAIN) -m convert $${RECIPE:+--recipe "$$RECIPE"} $${DATA:+--images "$$DATA"} $${H5:+--model "$$H5"} \
	  $${LABELS:+--labels "$$LABELS"} $${INPUT:+--input-range="$$INPUT"} $(ARGS)

bench: .venv/$(BENCH)/ready .venv/edge/ready assets
	@exec .venv/$(BENCH)/bin/python -m benchmarks --python $(EDGE) $(ARGS)

bench-compare: given-base .venv/$(BENCH)/ready
	@exec .venv/$(BENCH)/bin/python -m benchmarks compare "$$BASE" $${NEW:+"$$NEW"} $(ARGS)

# One that can't be set up is a row with its error: the others are measured all the same.
bench-peers: .venv/train/ready .venv/edge/ready assets
	-@$(MAKE) --no-print-directory --keep-going $(PEERS)
	@exec $(TRAIN) -m benchmarks peers $(ARGS)

bench-scan: .venv/train/ready assets
	@exec $(TRAIN) -m benchmarks scanning $(ARGS)

evaluate: .venv/train/ready assets
	@exec $(TRAIN) -m benchmarks evaluate $(ARGS)

evaluate-photos: given-photos .venv/train/ready assets
	@exec $(TRAIN) -m benchmarks photographs "$$PHOTOS" $${CLASSES:+--classes "$$CLASSES"} $(ARGS)

document: .venv/$(BENCH)/ready
	@exec .venv/$(BENCH)/bin/python -m benchmarks document $(ARGS)

# One wheel with model and assets, and beside it those that it needs. In a folder of its own until it
# is complete: pip installs the newest of what it finds, and without a network the last one stays. The
# wheel is built in an environment of ours: pip would fill one of its own without hashes.
package: assets .venv/package/ready
	@rm -rf build/dist
	@echo "building the wheel"; $(PACKAGE) -m hatchling build -t wheel -d build/dist
	@$(foreach machine,$(MACHINES),$(foreach python,$(PYTHONS),$(call device_wheels,$(machine),$(python))))
	@install -m 755 edge/service/install build/dist/install-service
	@$(PACKAGE) -m tools.list_licences build/dist
	@$(PACKAGE) -m tools.list_parts build/dist
	@cd build/dist && sha256sum -- * > SHA256SUMS
	@rm -rf dist && mv build/dist dist
	@echo "dist/ is complete, $$(du -sh dist | cut -f1). On the device, with a copy of it and without a network:"
	@echo "  sudo dist/install-service   as a service that starts at every boot"
	@echo "  docs/service.md says how to install it in an environment of your own"

# What sends results over a network is small, so that it lies there always.
DEVICE_REQUIREMENTS = edge opencv-headless web mqtt $(if $(filter yes,$(VIDEO)),video)
define device_wheels
echo "wheels for $(1), Python $(2)"; \
$(pip) download --require-hashes --only-binary=:all: --dest build/dist --implementation cp --python-version $(2) \
  $(foreach version,2_28 2_27 2_17,--platform manylinux_$(version)_$(1)) --platform manylinux2014_$(1) \
  $(foreach name,$(DEVICE_REQUIREMENTS),-r requirements/$(name).txt) || exit 1;
endef

# Puts it to /opt/expressions, starts it now and at every boot; the script says each step.
install-service:
	@edge/service/install dist

# Not a part of 'test': it needs root, Debian's mmdebstrap and qemu-user-static, and some minutes.
test-arm: VIDEO := yes
test-arm: package .venv/edge/ready
	@exec $(EDGE) -m tests.arm $(ARGS)

# The same for Debian's mmdebstrap and systemd-container.
test-boot: VIDEO := yes
test-boot: package .venv/train/ready
	@exec $(TRAIN) -m tests.boot $(ARGS)

assets: .venv/pip/ready
	@$(PIP) -m tools.fetch_assets

face-weights: .venv/pip/ready
	@$(PIP) -m train.fetch

requirements: .venv/uv/ready
	@tools/compile_requirements .venv/uv/bin/uv

clean:
	rm -rf .venv dist build models/answers .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# Mistakes that show at once are told before an environment is set up for minutes.
given-archive:
	@test -z "$$ARCHIVE" || test -e "$$ARCHIVE" || \
	  { echo "$$ARCHIVE: expected an archive of FER2013 or its folder, found no such file; check the path" >&2; exit 1; }

given-runs:
	@test -n "$$A" -a -n "$$B" || \
	  { echo "A and B: expected two trainings, found A=$$A B=$$B: give A=seed B=models/own/own.h5" >&2; exit 1; }

given-base:
	@test -f "$$BASE" || \
	  { echo "$$BASE: expected the results of an earlier run, found no such file: give BASE=before.json" >&2; exit 1; }

given-photos:
	@test -e "$$PHOTOS" || \
	  { echo "$${PHOTOS:-PHOTOS}: expected labelled photographs, found no such file: give PHOTOS=faces.zip" >&2; exit 1; }

# What installs into the others and fetches the assets, so that they need no pip of their own. Its pip
# is the one that comes with Python.
.venv/pip/ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version.split()[0] + ": name one with PYTHON=…")'
	@echo "setting up .venv (a minute or so)"
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@touch $@

# -qq: errors alone. Its warnings are of where it looked, and no failure.
pip = $(PIP) -m pip -qq --disable-pip-version-check

# An environment is built anew when its requirements change; "ready" is its last step. Python compiles
# what is used, where it may write: a third of the small files, and of their space, is never needed.
install = $(PIP) -m pip --python $(@D)/bin/python -qq --disable-pip-version-check install --require-hashes --no-compile

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

EDGE_REQUIREMENTS := $(foreach name,edge video web mqtt $(OPENCV),requirements/$(name).txt)

# A run that may not write what it compiles would do so at every start, so a first one does it here.
.venv/edge/ready: $(EDGE_REQUIREMENTS) | .venv/pip/ready
	$(environment)
	$(without_accelerators)
	@env -u PYTHONDONTWRITEBYTECODE $(EDGE) -m edge doctor --display off > /dev/null 2>&1 || true

.venv/scan/ready: $(EDGE_REQUIREMENTS) requirements/scan.txt | .venv/pip/ready
	$(environment)
	$(without_accelerators)

.venv/bench/ready: $(EDGE_REQUIREMENTS) requirements/bench.txt | .venv/pip/ready
	$(environment)
	$(without_accelerators)

.venv/train/ready: COST := $() (TensorFlow: 2.6 GB on the disk; a few minutes)
.venv/train/ready: $(EDGE_REQUIREMENTS) $(foreach name,scan bench train,requirements/$(name).txt) | .venv/pip/ready
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

.venv/package/ready: requirements/package.txt | .venv/pip/ready
	$(environment)

.venv/uv/ready: requirements/uv.txt | .venv/pip/ready
	$(environment)

# tflite-runtime has no build for Python 3.12 and later.
.venv/tflite-runtime/ready: requirements/edge-tflite-runtime.txt | .venv/pip/ready
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then \
	  echo "setting up $(@D)"; rm -rf $(@D); $(PYTHON) -m venv --without-pip $(@D) && \
	  $(install) $(foreach file,$^,-r $(file)); \
	else echo "not tested: tflite-runtime has no build for this Python"; mkdir -p $(@D); fi
	@touch $@
