"""URLs of the account pages."""

from django.urls import path

from classroom.account import password_views, views

urlpatterns = [
    path("account/", views.account, name="account"),
    path("account/password/", views.change_password, name="account_password"),
    path("account/logins/end/", views.end_others, name="account_logins_end"),
    path("account/logins/<slug:name>/end/", views.end_login, name="account_login_end"),
    path("account/token/", views.make_token, name="account_token"),
    path("accounts/", password_views.all_accounts, name="accounts"),
    path("accounts/<int:account_id>/password-link/", password_views.make_link, name="account_password_link"),
    path("password/", password_views.forgotten, name="password_forgotten"),
    path("password/<str:token>/", password_views.choose_password, name="password_link"),
]
