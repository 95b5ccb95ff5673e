from django.urls import path, re_path, register_converter
from drf_spectacular.views import SpectacularAPIView

from sessions.api.base import UnknownAddressView
from sessions.api.converters import IdConverter
from sessions.api.data_views import ExportView, SessionView
from sessions.api.health import HealthView, ReadyView
from sessions.api.views import (
    ChatView,
    IdentifyView,
    LogoutView,
    MessagesView,
    SessionsView,
    StopView,
    TurnEventsView,
    WidgetConfigView,
)

register_converter(IdConverter, "public_id")

urlpatterns = [
    path("healthz", HealthView.as_view()),
    path("readyz", ReadyView.as_view()),
    path("api/v1/chat/", ChatView.as_view()),
    path("api/v1/sessions/", SessionsView.as_view()),
    path("api/v1/sessions/<public_id:session_id>/", SessionView.as_view()),
    path("api/v1/sessions/<public_id:session_id>/export/", ExportView.as_view()),
    path("api/v1/sessions/<public_id:session_id>/messages/", MessagesView.as_view()),
    path("api/v1/sessions/<public_id:session_id>/turns/<public_id:message_id>/events", TurnEventsView.as_view()),
    path("api/v1/sessions/<public_id:session_id>/stop/", StopView.as_view()),
    path("api/v1/sessions/<public_id:session_id>/identify/", IdentifyView.as_view()),
    path("api/v1/sessions/<public_id:session_id>/logout/", LogoutView.as_view()),
    path("api/v1/widget/config/", WidgetConfigView.as_view()),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/", UnknownAddressView.as_view()),
]
