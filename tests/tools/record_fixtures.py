#!/usr/bin/env python
"""Record and craft the captures in ``fixtures/`` and write their manifest.

Run as root on Linux: ``python tests/tools/record_fixtures.py [--only NAME ...] [--out DIR]``.
The work is done by the package ``recorder`` beside this file.
"""

import sys

from recorder.cli import main

if __name__ == "__main__":
    sys.exit(main())
