#!/usr/bin/env python
"""Write the generated pages of ``docs/`` and the samples of real output in the hand-written ones.

``python tests/tools/generate_docs.py`` writes what is stale. With ``--check`` it writes nothing, names
the stale files and exits with 1 if there are any. The work is done by the package ``docgen`` beside this
file; the texts come from the tables in ``src/synscope``.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # some of the texts are those of the tests

from docgen.build import main

if __name__ == "__main__":
    sys.exit(main())
