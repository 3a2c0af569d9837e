"""The test as a folder of files for any web host, or opened from disk: no server, the ratings come back as files.

It is the same page; the test lies in it as JSON, with opaque names only. The browser keeps the ratings and gives them
at the end as a file that :func:`descant.listening.answers.read_ratings_file` reads. ``index.html?list=3`` gives a rater
list 3; without it a list is drawn at random.
"""

import json
import shutil
from pathlib import Path

from descant.corpus.outputs import whole_folder
from descant.listening.guard import POLICY
from descant.listening.server import PARTS, page_part
from descant.listening.study import Study, as_json, pages_of

# a page cannot say for itself who may frame it
PAGE_POLICY = POLICY.replace("frame-ancestors 'none'; ", "")
NOT_STATIC = frozenset({"experimenter.js"})


def write_site(study: Study, folder: Path) -> None:
    """Write the folder: ``index.html``, ``page/`` and ``audio/``.

    Args:
        study: the test.
        folder: to write; replaced when it is whole.
    """
    with whole_folder(folder) as temporary:
        (temporary / "page").mkdir()
        (temporary / "audio").mkdir()
        for name in PARTS:
            if name not in NOT_STATIC:
                (temporary / "page" / name).write_bytes(page_part(name))
        needed = {name for of in study.design.lists for name in study.clips(of)}
        for name in sorted(needed):
            shutil.copyfile(study.folder / f"{name}.flac", temporary / "audio" / f"{name}.flac")
        (temporary / "index.html").write_text(_page(study), encoding="utf-8")


def _page(study: Study) -> str:
    lists = {of.list: as_json(pages_of(of)) for of in study.design.lists}
    # "<" cannot end the script that holds it
    data = json.dumps({"questionnaire": as_json(study.questionnaire), "lists": lists}).replace("<", "\\u003c")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{PAGE_POLICY}">'
    page = page_part("rater.html").decode().replace('"/page/', '"page/')
    page = page.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{policy}', 1)
    first = '<script src="page/queue.js">'
    return page.replace(first, f'<script type="application/json" id="study">{data}</script>\n{first}', 1)
