"""Showing what happened: one file per form."""
