"""Readers, one module per protocol or format family. The only place that may use a network."""
