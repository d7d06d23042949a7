"""``python -m synscope`` is the same as ``synscope``."""

from synscope.cli.main import main

if __name__ == "__main__":
    main()
