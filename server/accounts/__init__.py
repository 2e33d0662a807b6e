"""Accounts of people: roles, grid scopes, sessions."""
