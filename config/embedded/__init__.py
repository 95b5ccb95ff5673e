"""PostgreSQL and Redis out of the development wheels, and the processes of Parlour beside them.

``python -m config.embedded run`` shows the whole system, ``exec -- COMMAND`` gives one command a throw-away
database and Redis, ``clean`` forgets the local data. Production uses none of it.
"""
