"""What a configuration asks for: every sequence, every training, and every row's way from prior to audio.

Pure functions of the checked configuration: no file is read, and nothing here knows Snakemake. Names are keys of the
plan. They name folders and seed draws, and nothing takes them apart.
"""
