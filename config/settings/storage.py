"""Static files, and where uploads are kept: in a folder, or in a bucket that speaks S3."""

from importlib.util import find_spec
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import env
from config.settings.base import BASE_DIR, DATA_DIR, DEBUG

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.path("STATIC_ROOT", DATA_DIR / "static")
# Uploaded images of seating maps, unless they are in a bucket.
MEDIA_ROOT = env.path("MEDIA_ROOT", DATA_DIR / "media")
# Drawn notebooks, which each machine may lose and draw anew; unset: DATA_DIR/notebooks.
DRAWN_ROOT = env.text("DRAWN_ROOT")
# Uploads are readable by their owner only. Static files are public, and a web server may run as another user.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
STATIC_IN_DATA_DIR = STATIC_ROOT.is_relative_to(DATA_DIR)
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG


def uploads_in(bucket: str) -> dict[str, Any]:
    """Return the entry of STORAGES for uploads: a folder, or with a name a bucket, of which nothing is public. Raises
    ImproperlyConfigured without the packages for it."""
    if not bucket:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    if not (find_spec("storages") and find_spec("boto3")):
        raise ImproperlyConfigured("UPLOADS_BUCKET is set without its packages: pip install -r requirements-s3.txt")
    endpoint, key, secret = env.http_url("UPLOADS_ENDPOINT"), env.text("UPLOADS_KEY_ID"), env.text("UPLOADS_SECRET_KEY")
    if bool(key) != bool(secret):
        raise ImproperlyConfigured(
            "UPLOADS_KEY_ID and UPLOADS_SECRET_KEY belong together: set both, or neither for the machine's role."
        )
    options = {
        "bucket_name": bucket,
        "location": env.text("UPLOADS_PREFIX").strip("/"),
        "endpoint_url": endpoint or None,
        "region_name": env.text("UPLOADS_REGION") or None,
        "access_key": key or None,
        "secret_key": secret or None,
        # Servers other than Amazon's often have no name for each bucket.
        "addressing_style": "path" if endpoint else "auto",
        "default_acl": None,  # private
        "file_overwrite": True,  # every upload has a name of its own; to ask first would be a request more
    }
    return {"BACKEND": "core.bucket.Bucket", "OPTIONS": options}


STORAGES = {
    "default": uploads_in(env.text("UPLOADS_BUCKET")),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
        "OPTIONS": {
            "file_permissions_mode": 0o600 if STATIC_IN_DATA_DIR else 0o644,
            "directory_permissions_mode": 0o700 if STATIC_IN_DATA_DIR else 0o755,
        },
    },
}
