"""Captures that exist: files, sets of files, compressed or not, and bytes that somebody pushes."""
