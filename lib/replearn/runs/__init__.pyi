from .run_data import open_data as open_data
from .run_folder import Run as Run
from .run_folder import load_run as load_run
from .running import run as run
from .settings import Settings as Settings
from .settings import settings_for as settings_for
