"""The measure of what comes out: likelihoods, intervals, the table."""
