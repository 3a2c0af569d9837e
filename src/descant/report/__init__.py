"""The report: pages of typed blocks, drawn by one template, and the registry of what there is."""
