from .running import Run as Run
from .running import load_run as load_run
from .running import run as run
from .settings import Settings as Settings
from .settings import settings_for as settings_for
