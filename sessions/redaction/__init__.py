"""The redactor over stored conversations: which are due, their texts read, replaced, and written back.

Reading and writing are short transactions; the work between them, which takes CPU, holds none. ``sessions.privacy``
knows what personal data is and nothing of a database.
"""
