"""The page on which an invitation is accepted."""

from django.urls import path

from tenants import invitation_page

urlpatterns = [
    path("", invitation_page.show, name="invitation"),
    path("open/", invitation_page.open_link, name="invitation-open"),
    path("join/", invitation_page.join, name="invitation-join"),
    path("sign-up/", invitation_page.sign_up, name="invitation-sign-up"),
]
