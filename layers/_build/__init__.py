"""Parts of the script that rebuilds the start set; see ``layers/build_start_set.py``."""
