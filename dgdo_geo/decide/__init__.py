"""Comparing and choosing: what a change of the rules would do."""
