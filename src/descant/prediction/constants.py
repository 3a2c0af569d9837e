"""Numbers of linear prediction that every engine has."""

import numpy as np

# samples whose level is compared with the loudest (128 ms at 16 kHz), and by what the coefficients then shrink with
# every lag: both ours
LEVEL_STEPS, DAMPING = 2048, 0.97

# of the running mean that a scale is: a power of two, by which products are exact
SCALE_RATE = 1.0 / 32.0
# a logistic distribution's scale by its mean absolute value, about, as a float32 number; and the least scale, a fifth
# of mu-law's finest cell (ours)
SCALE_SHARE, LEAST_SCALE = float(np.float32(0.6)), 2e-5
