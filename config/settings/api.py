"""Django REST framework, Bearer tokens and the OpenAPI document."""

from datetime import timedelta

from config import env
from config.settings.accounts import API_REQUIRE_AUTH
from config.settings.base import DEBUG, PROJECT_VERSION

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "config.errors.api_exception",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["instructors.tokens.BearerAuthentication"],
    "DEFAULT_SCHEMA_CLASS": "instructors.rest.openapi.ApiSchema",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_THROTTLE_CLASSES": ["instructors.throttles.CallerThrottle"],
}

# Bearer tokens (http.md section 1.2).
ALGORITHM = env.choice("ALGORITHM", "HS256", ("HS256", "HS384", "HS512"))  # all are keyed by SECRET_KEY
ACCESS_TOKEN_EXPIRE_MINUTES = env.integer("ACCESS_TOKEN_EXPIRE_MINUTES", 30, minimum=1, maximum=env.LONGEST_MINUTES)
SIMPLE_JWT = {
    "ALGORITHM": ALGORITHM,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ACCESS_TOKEN_EXPIRE_MINUTES),
    "AUTH_TOKEN_CLASSES": ["instructors.tokens.BearerToken"],
    "USER_ID_FIELD": "email",
    "USER_ID_CLAIM": "sub",
}

# Records for end-to-end tests, stored in Redis for ten minutes (http.md section 2.1); opt-in with DEBUG=0.
TEST_EVENTS = env.flag("TEST_EVENTS", DEBUG and not API_REQUIRE_AUTH)
TEST_EVENTS_BYTES = env.integer("TEST_EVENTS_BYTES", 16 * 1024 * 1024, minimum=1024)  # of all tests together

SPECTACULAR_SETTINGS = {
    "TITLE": env.text("PROJECT_NAME", "Cell Monitor API"),
    "VERSION": PROJECT_VERSION,
    "DESCRIPTION": "Classes, assignments and submissions, and what happens in class.",
    "PREPROCESSING_HOOKS": ["instructors.rest.openapi.one_form"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "instructors.rest.openapi.any_of",
        "instructors.rest.openapi.add_security_schemes",
        "config.openapi.add_plain_views",
        "config.curl_examples.add_curl_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "DeviceStatusEnum": ["active", "waiting"],
        "StatusEnum": "instructors.models.Instructor.Status",
    },
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
