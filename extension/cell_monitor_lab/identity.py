"""Who the student is, and where the product is: what a school set, the hub, the settings, the panel, in this order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .product import split_address

ENVIRONMENT = {
    "url": "CELL_MONITOR_URL",
    "class_key": "CELL_MONITOR_KEY",
    "user_id": "CELL_MONITOR_USER_ID",
    "user_name": "CELL_MONITOR_USER_NAME",
    "team": "CELL_MONITOR_TEAM",
    "user_template": "CELL_MONITOR_USER_TEMPLATE",
    "consent": "CELL_MONITOR_CONSENT",
}
EDITABLE = ("url", "user_id", "user_name", "team")


@dataclass(frozen=True)
class Identity:
    """Empty strings where nobody said anything. `sources` is {field: school, hub, settings or panel}."""

    url: str = ""
    class_key: str = ""
    class_code: str = ""
    user_id: str = ""
    user_name: str = ""
    team: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    has_bad_address: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether there is somebody to send as, and somewhere to send to."""
        return bool(self.url and self.user_id)

    @property
    def host(self) -> str:
        """Return the product's name as people know it."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def is_editable(self, name: str) -> bool:
        """Tell whether the student may change a field: not what a school or a hub set."""
        return self.sources.get(name) not in ("school", "hub")


def resolve(configured: Mapping[str, str], environ: Mapping[str, str], stored: Mapping[str, Any]) -> Identity:
    """Return who the student is.

    `configured` are traits; an unset one is looked up in the environment. `stored` is {settings: {…}, panel: {…}}. A
    class key is sent only to the address that it came with.
    """
    school = {name: configured.get(name) or environ.get(variable, "") for name, variable in ENVIRONMENT.items()}
    school_user, hub_user = school["user_id"].strip(), environ.get("JUPYTERHUB_USER", "").strip()
    hub = {"user_id": _from_template(school["user_template"], hub_user)} if hub_user and not school_user else {}
    layers: list[tuple[str, Mapping[str, Any]]] = [
        ("school", school),
        ("hub", hub),
        ("settings", stored.get("settings") or {}),
        ("panel", stored.get("panel") or {}),
    ]
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    class_key, class_code, has_bad_address = "", "", False
    for source, layer in layers:
        for name in EDITABLE:
            text = str(layer.get(name) or "").strip()
            if not text or name in values:
                continue
            if name == "url":
                try:
                    text, key = split_address(text)
                except ValueError:
                    has_bad_address = True
                    continue
                class_key = str(layer.get("class_key") or "") or key or ""
            values[name] = text
            sources[name] = source
        if not class_code:
            class_code = str(layer.get("class_code") or "")
    return Identity(
        **values, class_key=class_key, class_code=class_code, sources=sources, has_bad_address=has_bad_address
    )


def _from_template(template: str, user: str) -> str:
    return template.replace("{user}", user) if "{user}" in template else user


def token_owner(identity: Identity) -> dict[str, str]:
    """Return what a token is bound to: with another address, student or class key it is not used."""
    key = hashlib.sha256(identity.class_key.encode()).hexdigest()[:16] if identity.class_key else ""
    return {"url": identity.url, "user_id": identity.user_id, "key": key}


def public(identity: Identity) -> dict[str, Any]:
    """Return what a browser may know: neither key, code nor token."""
    return {
        "url": identity.url,
        "user_id": identity.user_id,
        "user_name": identity.user_name,
        "team": identity.team,
        "sources": dict(identity.sources),
        "editable": [name for name in EDITABLE if identity.is_editable(name)],
        "has_credential": bool(identity.class_key or identity.class_code),
    }
