"""Addresses: the API of the visitors' browsers, the pages, the admin, invitations to it."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("sessions.api.urls")),
    path("admin/", admin.site.urls),
    path("invitation/", include("tenants.urls")),
    path("", include("widget.urls")),
]
