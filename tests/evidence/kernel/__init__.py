"""Tests of the kernel witness."""
