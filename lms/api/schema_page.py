"""The Swagger page, which shows the OpenAPI document."""

from drf_spectacular.views import SpectacularSwaggerSplitView


class PageView(SpectacularSwaggerSplitView):
    """The Swagger page with a separate script, because the content security policy forbids inline scripts."""

    url = "/api/v1/openapi.json"
    authentication_classes = ()
    template_name = "api/docs.html"
