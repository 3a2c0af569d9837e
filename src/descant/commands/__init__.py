"""One module a rule: parse, call, write."""

from descant.caches import prepare_caches

# libraries choose their folders when they are imported, which a command's own module does first
prepare_caches()
