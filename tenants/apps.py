from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Websites and people"

    def ready(self) -> None:
        from tenants import checks  # noqa: F401, PLC0415  registers them, which needs the apps to be there
