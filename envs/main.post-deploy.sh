#!/usr/bin/env bash
# Snakemake runs this once in the new conda environment: pip's --no-deps cannot stand in main.yaml. The pins are those of
# requirements-nodeps.txt (a test compares them), where it is said of each why its metadata is not followed.
set -euo pipefail
python -m pip install --no-deps \
    stempeg==0.2.6 \
    basic-pitch==0.4.0 \
    musicnn==0.1.0
