"""Processes and their rights.

Four kinds of process, each with no more than it needs. The *runner* (``runner_program``) is the invoking user and
only starts the command; the tool's handle of it is ``runner.Runner``. The *helper* (``helper``) has the right to
capture, hands descriptors over and parses nothing; the tool's handle of it is ``elevate.Helper``. The process that
parses packets has given up every privilege before the first one; the *file maker* (``file_maker``) makes its files.
"""
