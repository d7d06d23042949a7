"""Captures that are being made: the packet ring, its filter and interfaces, and the self-test that proves it awake."""
