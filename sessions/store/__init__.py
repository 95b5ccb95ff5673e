"""All SQL of sessions on the chat path, a verb a file. A turn touches it twice: one trip to begin, one to finish.

Times are the database's. A session's row lock puts its turns in one line; ``sessions.turns`` gives the meaning.
"""
