"""A module a page: what it is made from, and its blocks."""
