"""Captures that are being made: the packet ring, its filter and interfaces, the self-test that proves it awake."""
