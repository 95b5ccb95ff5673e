from django.contrib.admin.apps import AdminConfig


class ParlourAdminConfig(AdminConfig):
    """Django's admin with our site in place of its own."""

    default_site = "sessions.admin_site.RecordedAdminSite"
