"""Looking whether a website carries its proof: on its page, in a file, or in its DNS. No database, no settings."""
