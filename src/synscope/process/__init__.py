"""Processes and their rights.

Three kinds of process, each with no more than it needs. The *runner* is the invoking user and only starts
the command. The *helper* has the right to capture, hands descriptors over and parses nothing. The process
that parses packets has given up every privilege before the first one.
"""
