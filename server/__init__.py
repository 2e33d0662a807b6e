"""The program in the operation centre: ingest → place → route → queue → verdict."""
