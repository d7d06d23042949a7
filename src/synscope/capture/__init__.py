"""Where bytes come from, and how complete they are."""
