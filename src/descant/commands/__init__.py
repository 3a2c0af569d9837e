"""One module a rule: parse, call, write."""

import os

from descant.caches import prepare_caches

# libraries choose their folders when they are imported, which a command's own module does first
prepare_caches()
# so does NumPy how many threads its products have: by default as many as the machine has cores, which spin while they
# wait and take from the other jobs what they were given
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
