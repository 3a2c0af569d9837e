"""The listening test: stimuli, who hears what, the page that people rate on, and what their ratings say."""
