"""Scores engraved as pictures."""

import re

import verovio

from descant.errors import ScoreError
from descant.report.blocks import Picture
from descant.report.render import data_uri

# tenths of a millimetre at full scale; twelve measures of four voices are then three systems
OPTIONS = {
    "pageWidth": 2400,
    "pageHeight": 20000,
    "scale": 40,
    "adjustPageHeight": True,
    "header": "none",
    "footer": "none",
    "breaks": "auto",
    "svgViewBox": True,
    # the same score gives the same bytes
    "xmlIdSeed": 1,
}


def engraved(score: bytes, name: str) -> list[Picture]:
    """Pictures of a score, one a page; most scores have one.

    Args:
        score: MusicXML.
        name: what it is of.

    Raises:
        ScoreError: when it cannot be engraved.
    """
    toolkit = verovio.toolkit()
    toolkit.setOptions(OPTIONS)
    if not toolkit.loadData(score.decode()):
        raise ScoreError(f"the score of {name} cannot be engraved", "delete it and run snakemake again")
    pages = [toolkit.renderToSVG(number) for number in range(1, toolkit.getPageCount() + 1)]
    return [_picture(drawn, name if len(pages) == 1 else f"{name}, page {at}") for at, drawn in enumerate(pages, 1)]


def _picture(drawn: str, name: str) -> Picture:
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawn)
    width, height = map(int, size.groups()) if size else (960, 540)
    # black on white, whatever lies behind the picture
    head, _, rest = drawn.partition(">")
    drawn = f'{head}><rect width="100%" height="100%" fill="#fff"/>{rest}'
    return Picture(name, data_uri(drawn.encode(), "image/svg+xml"), f"The score of {name}.", width, height)
