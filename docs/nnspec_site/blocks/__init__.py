"""The site's Markdown blocks, one module each."""
