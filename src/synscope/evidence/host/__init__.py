"""Questions that looks at the host answer, from one snapshot or several. Nothing here looks itself."""
