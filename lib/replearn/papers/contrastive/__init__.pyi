from .keys import AgedKeys as AgedKeys
from .keys import aged_keys as aged_keys
from .mutual_information import GaussianPair as GaussianPair
from .mutual_information import gaussian_critic as gaussian_critic
from .mutual_information import gaussian_pair as gaussian_pair
from .mutual_information import infonce_mi_bound as infonce_mi_bound
