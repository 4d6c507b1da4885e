"""How fast the whole system is, measured on real processes: `python -m benchmarks`. See README.md beside this file."""
