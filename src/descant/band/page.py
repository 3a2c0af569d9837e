"""The band as a page: one file that holds the network's weights and all that plays with it, and fetches nothing."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import jinja2
from markupsafe import Markup
from torch import Tensor

from descant.band.player import CONTEXT, check_plays_along
from descant.config.band import Band
from descant.corpus.outputs import whole_file
from descant.scores.parts import VOICES
from descant.systems.autoregressive_parts import AutoregressivePartsSystem

# in this order each uses those before it; the worker gets the text of its own
SCRIPTS = ("network", "player", "pulse", "session", "sound", "roll", "instrument", "page")
WORKER = "worker"


def write_band_page(path: Path, system: AutoregressivePartsSystem, band: Band) -> None:
    """Write the page beside its place, then rename it.

    Args:
        path: HTML file to write.
        system: whose weights it holds, rounded to 16 bits.
        band: how it is set when it is opened.

    Raises:
        BandError: when the network cannot play along.
    """
    check_plays_along(system)
    network = system.network
    weights = network.state_dict()
    shape = {"voices": network.voices, "classes": network.classes, "measure": network.measure}
    settings = {
        "shape": {**shape, "layers": network.lstm.num_layers},
        "layout": [(name, tuple(tensor.shape)) for name, tensor in weights.items()],
        "voices": VOICES,
        "context": CONTEXT,
        "topP": band.top_p,
    }
    loader = jinja2.PackageLoader("descant.band", "page")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )

    def text_of(name: str) -> str:
        return loader.get_source(environment, name)[0]

    scripts = [(name, text_of(f"{name}.js")) for name in (WORKER, *SCRIPTS)]
    style = text_of("style.css")
    values = {
        "band": band,
        "voices": VOICES,
        "network": f"width {network.lstm.hidden_size}, {sum(each.numel() for each in weights.values()):,} parameters",
        # "<" cannot end the script that holds it
        "settings": Markup(json.dumps(settings).replace("<", "\\u003c")),
        "weights": _halves(weights),
        "style": Markup(style),
        "style_hash": Markup(_sha256(style)),
        "scripts": [(name, Markup(script)) for name, script in scripts],
        "hashes": Markup(" ".join(f"'sha256-{_sha256(script)}'" for name, script in scripts if name != WORKER)),
    }
    html = environment.get_template("page.html").render(values)
    with whole_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _halves(weights: Mapping[str, Tensor]) -> str:
    """All weights as 16-bit floats, little-endian, one after another, in base64."""
    parts = (tensor.detach().half().numpy().astype("<f2").tobytes() for tensor in weights.values())
    return base64.b64encode(b"".join(parts)).decode("ascii")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
