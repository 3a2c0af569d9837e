"""A picture of a sample: its waveform over its mel spectrogram, as PNG.

Levels are in dBFS after AES17: 0 dB is a sine that just reaches full scale, so that pictures of different samples
compare. Nothing here touches matplotlib's global state.
"""

import io
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

from descant.audio.mel import hz_to_mel, mel_spectrogram
from descant.audio.rendered import Rendered
from descant.errors import SamplingError

WIDTH, HEIGHT, DPI = 900, 330, 100
# where time runs from left to right, in shares of the width: what moves over the figure in a page needs them
TIME_LEFT, TIME_WIDTH = 0.075, 0.83
BANDS = 128
FLOOR_DB, CEILING_DB = -90.0, -10.0
TICKS_HZ = (0, 500, 1000, 2000, 4000, 8000, 16000)
TITLE_LETTERS = 100
# one dark ground, which is at home on light and on dark pages
GROUND, INK, QUIET_INK = "#16171c", "#e6e4e1", "#b4b7bd"
FONT = "DejaVu Sans"  # it comes with matplotlib


def dark_figure(width: int, height: int) -> Figure:
    """An empty figure of so many pixels, on the ground of all pictures."""
    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=GROUND)


def draw_png(figure: Figure, **colours: Any) -> bytes:
    """A figure with quiet axes as a PNG file without metadata."""
    for axes in figure.axes:
        axes.tick_params(labelsize=8, labelfontfamily=FONT, color=QUIET_INK, labelcolor=QUIET_INK, length=3)
        for spine in axes.spines.values():
            spine.set_visible(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    buffer = io.BytesIO()
    image = Image.fromarray(pixels).convert("RGB").quantize(dither=Image.Dither.NONE, **colours)
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def mel_levels(audio: npt.NDArray[np.floating], sample_rate: int) -> npt.NDArray[np.float64]:
    """Level of mel bands, dBFS.

    Args:
        audio: floats ``(time,)``; full scale is 1.
        sample_rate: Hz.

    Returns:
        float64 ``(bands, frames)``; 0 is the level of a full-scale sine of 1 kHz in its band.
    """
    hertz = min(1000.0, sample_rate / 8)
    sine = np.sin(2 * np.pi * hertz * np.arange(4096) / sample_rate)
    reference = float(mel_spectrogram(sine, sample_rate, bands=BANDS).max())
    power = mel_spectrogram(audio, sample_rate, bands=BANDS)
    return np.asarray(10 * np.log10(np.maximum(power / reference, 1e-20)))


def mel_figure(audio: npt.NDArray[np.floating], sample_rate: int, title: str) -> bytes:
    """Draw the waveform over the mel spectrogram, 900 × 330 pixels; the same samples and title give the same bytes.

    Args:
        audio: floats ``(time,)``; full scale is 1.
        sample_rate: Hz.
        title: written above it, as plain text.

    Returns:
        A PNG file without metadata.

    Raises:
        SamplingError: when there is no audio.
    """
    if not len(audio):
        raise SamplingError("a sample has no audio in it", "raise sampling.seconds")
    figure = dark_figure(WIDTH, HEIGHT)
    figure.text(TIME_LEFT, 0.933, _one_line(title), fontsize=10, family=FONT, color=INK, va="center", parse_math=False)
    _draw_waveform(figure.add_axes((TIME_LEFT, 0.735, TIME_WIDTH, 0.15), facecolor=GROUND), audio, sample_rate)
    axes = figure.add_axes((TIME_LEFT, 0.158, TIME_WIDTH, 0.517), facecolor=GROUND)
    image = _draw_mel(axes, audio, sample_rate)
    bar = figure.colorbar(image, cax=figure.add_axes((0.918, 0.158, 0.012, 0.517)), ticks=[-90, -70, -50, -30, -10])
    bar.set_label("dBFS in a band", fontsize=9, family=FONT, color=QUIET_INK)
    bar.outline.set_visible(False)
    # 256 colours look the same here as all of them, at a third of the size
    return draw_png(figure, palette=_palette())


def write_figures(rendered: Rendered, title: str) -> None:
    """Draw every sample, beside its file.

    Raises:
        SamplingError: when a file cannot be read.
    """
    for number, sample in enumerate(rendered.samples):
        audio = rendered.read(number, -sample.primed)
        figure = mel_figure(audio, rendered.sample_rate, f"{title} · sample {number + 1}")
        (rendered.folder / sample.file).with_suffix(".png").write_bytes(figure)


def envelope(audio: npt.NDArray[np.floating], columns: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The lowest and the highest value in each of equal stretches of time.

    Args:
        audio: floats ``(time,)``, not empty.
        columns: stretches; no more are made than there are samples.

    Returns:
        float64 ``(min(columns, time),)`` twice: lowest, highest.
    """
    values = np.asarray(audio, dtype=np.float64)
    columns = min(columns, len(values))
    starts = np.arange(columns) * len(values) // columns
    return np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)


def _draw_waveform(axes: Axes, audio: npt.NDArray[np.floating], sample_rate: int) -> None:
    low, high = envelope(audio, round(TIME_WIDTH * WIDTH))
    seconds = len(audio) / sample_rate
    centres = (np.arange(len(low)) + 0.5) * seconds / len(low)
    axes.axhline(0, color=QUIET_INK, linewidth=0.5)
    # a line's width each way, so that silence is still a line
    axes.fill_between(centres, low - 0.01, high + 0.01, color=INK, linewidth=0)
    axes.set_xlim(0, seconds)
    axes.set_ylim(-1.05, 1.05)
    axes.set_xticks([])
    axes.set_yticks([-1, 0, 1], ["\N{MINUS SIGN}1", "0", "1"])


def _draw_mel(axes: Axes, audio: npt.NDArray[np.floating], sample_rate: int) -> AxesImage:
    levels = mel_levels(audio, sample_rate)
    top = float(hz_to_mel(np.array(sample_rate / 2)))
    # frame k is centred on sample 256 k; band b on the (b + 1)th of bands + 2 even points
    half_frame, half_band = 128 / sample_rate, top / (BANDS + 1) / 2
    image = axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
        cmap=mpl.colormaps["magma"],
        vmin=FLOOR_DB,
        vmax=CEILING_DB,
        extent=(-half_frame, (2 * levels.shape[1] - 1) * half_frame, half_band, top - half_band),
    )
    axes.set_xlim(0, len(audio) / sample_rate)
    axes.set_ylim(0, top)
    _mark_hertz(axes, sample_rate)
    axes.set_xlabel("seconds", fontsize=9, family=FONT, color=QUIET_INK, labelpad=2)
    axes.set_ylabel("Hz, mel scale", fontsize=9, family=FONT, color=QUIET_INK)
    return image


def _mark_hertz(axes: Axes, sample_rate: int) -> None:
    nyquist = sample_rate / 2
    hertz = [float(tick) for tick in TICKS_HZ if tick <= nyquist]
    if len(hertz) < 3:
        hertz = [round(nyquist * part / 4) for part in range(5)]
    axes.set_yticks([float(hz_to_mel(np.array(tick))) for tick in hertz], [f"{tick:.0f}" for tick in hertz])


def _one_line(title: str) -> str:
    line = " ".join(title.split())
    return line if len(line) <= TITLE_LETTERS else line[: TITLE_LETTERS - 1] + "…"


def _palette() -> Image.Image:
    """An image that carries the figure's colours: 208 of the map, 48 between the ground and the ink."""
    map_colours = mpl.colormaps["magma"](np.linspace(0, 1, 208))[:, :3]
    ground, ink = np.array(to_rgb(GROUND)), np.array(to_rgb(INK))
    greys = ground + np.linspace(0, 1, 48)[:, None] * (ink - ground)
    carrier = Image.new("P", (1, 1))
    carrier.putpalette(np.rint(255 * np.concatenate([map_colours, greys])).astype(np.uint8).tobytes())
    return carrier
