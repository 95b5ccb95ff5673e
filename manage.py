#!/usr/bin/env python
"""Django's command line, with development settings unless told otherwise."""

import os
import sys

# Before anything of ours is imported: config's own default is production's.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")

from django.core.management import execute_from_command_line

from config.logs import tell_uncaught_errors
from tenants.authors import Author, writing_as

if __name__ == "__main__":
    tell_uncaught_errors()
    with writing_as(Author.system(" ".join(["manage.py", *sys.argv[1:2]]))):
        execute_from_command_line(sys.argv)
