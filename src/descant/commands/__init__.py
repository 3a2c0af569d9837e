"""One module a rule: parse, call, write."""
