"""Benchmarks of the whole system on real processes: `python -m benchmarks`. See README.md."""
