"""The report: two pages, Markdown and HTML, from the results of all devices in a folder."""
