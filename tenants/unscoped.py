"""The rows that belong to no tenant; all others do. The tests walk all models and tables to see to it."""

from typing import Final

GLOBAL_MODELS: Final = {
    "tenants.Tenant": "is the tenant; its row policy shows each its own row, and the operator all of them",
    "tenants.Throttle": "tries at logins and invitations, by keyed hashes; who tries is not known yet",
    "tenants.JobHeartbeat": "when each of beat's jobs ran; a job is everybody's, and its counts are sums",
    "auth.User": "people, who may be members of several tenants",
    "auth.User_groups": "unused",
    "auth.User_user_permissions": "unused",
    "auth.Group": "unused",
    "auth.Group_permissions": "unused",
    "auth.Permission": "names of rights, the same everywhere",
    "contenttypes.ContentType": "names of models, the same everywhere",
    "sessions.Session": "logins to the admin",
    "pghistory.Context": "unused, and closed to the application: changes carry their author themselves",
    "pghistory.Events": "no table: reads the tables of changes, behind their policies; unused",
    "pghistory.MiddlewareEvents": "no table, as the one before",
    "admin.LogEntry": "what staff did in the admin; shown to nobody, for it knows no tenants",
}
"""Models without a tenant, and why."""

GLOBAL_TABLES: Final = frozenset({"django_migrations"})
"""Tables without a model and without a tenant."""

INVOKERS_VIEWS: Final = frozenset({"privacy_policies"})
"""Views of tenants' rows, which ask as whoever looks: the row policies of their tables hold in them."""
