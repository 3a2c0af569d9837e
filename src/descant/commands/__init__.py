"""One module a rule: parse, call, write."""

import sys

from descant.caches import prepare_caches

# libraries choose their folders when they are imported, which a command's own module does first
prepare_caches(next((word for word in sys.orig_argv if word.startswith(f"{__name__}.")), __name__))
