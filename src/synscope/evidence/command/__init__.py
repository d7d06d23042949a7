"""Questions that the watched command answers: by its words, its exit status, its own command line."""
