from .keys import KeyFreshness as KeyFreshness
from .keys import key_freshness as key_freshness
from .mutual_information import GaussianPair as GaussianPair
from .mutual_information import gaussian_critic as gaussian_critic
from .mutual_information import gaussian_pair as gaussian_pair
from .mutual_information import infonce_mi_bound as infonce_mi_bound
