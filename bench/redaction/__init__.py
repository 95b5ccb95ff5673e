"""How good the redactor is, and what it costs: by the evaluation set of tests/privacy, and by hostile inputs."""
