"""Mailbox providers and their SMTP replies: what is known of them, and what a reply means for a queue.

The data is in `data/VERSION/`, one folder for each version; a published version never changes again.
Pure: besides that data, the package reads only what it is given, and knows neither stacks nor hosts.
"""
