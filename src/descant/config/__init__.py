"""The configuration: one file a section, every key checked, every default named as the paper's or ours."""
