"""What a network's section of the configuration can be, by any kind of training."""

from descant.config.decoders import WaveNetDecoder
from descant.config.mel2mel import Mel2Mel
from descant.config.networks import ADA, Prior
from descant.config.part_models import RMVAE, AutoregressiveParts
from descant.config.transformers import Transformer
from descant.config.vocoders import MelWaveNet, OnePassVocoder
from descant.config.vqvaes import VQVAE

NetworkSection = (
    ADA
    | Prior
    | VQVAE
    | Transformer
    | WaveNetDecoder
    | Mel2Mel
    | MelWaveNet
    | OnePassVocoder
    | RMVAE
    | AutoregressiveParts
)
