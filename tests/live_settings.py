"""Settings of the everyday copy: those of the product, but browsers keep static files, as they keep those of a server
with DEBUG=0. A page asks for thirty of them; to hear thirty times that nothing changed is a third of what it takes."""

from config.settings import *  # noqa: F403

WHITENOISE_MAX_AGE = 600
