"""The live page: its server, and the page's own files in ``page``.

It needs the extra ``web``, so that ``edge.sinks.web`` imports it when a page is asked for.
"""
