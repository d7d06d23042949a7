"""Tests of the host evidence."""
