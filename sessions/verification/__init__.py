"""Attacks on an installation, with tenants made for it: what ``manage.py verify_isolation`` runs.

Every attack stands beside the same request made by its rightful owner, which must work: a wall that nobody can pass,
also those whose house it is, proves nothing.
"""
