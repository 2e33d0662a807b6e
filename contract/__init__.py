"""What travels between edge and server: the only package that both import.

Words are those of the glossary in ``docs/glossary.md``; messages are CloudEvents 1.0 in structured JSON.
"""
