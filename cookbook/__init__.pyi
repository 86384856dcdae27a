from . import plots as plots
from .chapter import Chapter as Chapter
from .claims import ClaimsFailed as ClaimsFailed
from .explorer import explore as explore
from .explorer import log_slider as log_slider
from .source import show_source as show_source
from .style import color as color
from .toc import contents as contents
