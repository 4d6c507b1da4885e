"""A term of a class, played from outside and counted again: `TERM_SIZE=long pytest -s tests/term`."""
