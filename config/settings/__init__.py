"""The Django settings. What differs between machines comes from the environment, through `config.env`.

Without any environment variable this is a development copy on loopback. With DEBUG=0 it is a server that refuses to
start with an incomplete configuration.
"""

import os

from config.setting_names import refuse_misspelt
from config.settings.base import *
from config.settings.storage import *
from config.settings.database import *
from config.settings.redis import *
from config.settings.security import *
from config.settings.accounts import *
from config.settings.api import *
from config.settings.events import *
from config.settings.logging import *

refuse_misspelt(os.environ)
