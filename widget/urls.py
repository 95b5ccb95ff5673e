"""The pages: the start page or a demo shop, and the script that websites embed."""

from django.urls import path

from widget import views

urlpatterns = [
    path("", views.home, name="home"),
    path("widget.js", views.widget_script, name="widget-script"),
]
