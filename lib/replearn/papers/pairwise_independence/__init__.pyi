from .ica import ICA as ICA
from .ica import vcreg_ica as vcreg_ica
from .independence import cross_variable_covariance as cross_variable_covariance
from .random_features import RandomFeatures as RandomFeatures
from .sources import ica_sources as ica_sources
from .sources import radial_rotation as radial_rotation
from .sources import xor_triple as xor_triple
