#!/bin/sh
# The steps inside an image, for envs/Containerfile and envs/descant.def alike: Python, make and a compiler from Debian,
# then the README's make.
set -eu
export DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1
apt-get update
# g++ for the native engine and torch.compile, which on a GPU needs Python's headers too
apt-get install --yes --no-install-recommends g++ make python3-dev python3-venv
apt-get clean
rm -rf /var/lib/apt/lists/*
cd "$(dirname "$0")/.."
make .venv/ready
# nobody who runs the image can write here: modules are compiled now, not by each of a run's many processes
.venv/bin/python -m compileall -q src
chmod -R a+rX .
