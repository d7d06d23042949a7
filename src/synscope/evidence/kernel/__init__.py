"""Questions that the kernel's trace answers. Pure: ``record`` and ``ties`` tie its events to attempts."""
