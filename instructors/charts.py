"""Shapes of charts."""
