"""Captures that are written: saved while they run, or copied with comments."""
