from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "sessions"
    label = "agent_sessions"  # the default label belongs to django.contrib.sessions
    verbose_name = "Conversations"
