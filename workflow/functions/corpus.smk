# Where the music comes from: digests that decide when it is read again.
import dataclasses
import functools
import hashlib
import json
from pathlib import Path

from snakemake.exceptions import WorkflowError

from descant.corpus import labels
from descant.corpus.scores import list_digest
from descant.corpus.shards import folder_digests
from descant.errors import DescantError
from descant.plan.windows import windows
from descant.scores import soundfont as soundfonts

EXCERPT = "resources/songs"


def music():
    """The corpus as its commands take it: the excerpt is a folder too, made by a rule."""
    if experiment.corpus.source != "excerpt":
        rate = {"render_rate": experiment.render_rate}
        scores = experiment.corpus.scores.model_copy(update=rate)
        return experiment.corpus.model_copy(update={"scores": scores})
    folder = experiment.corpus.folder.model_copy(update={"path": EXCERPT})
    return experiment.corpus.model_copy(update={"source": "folder", "folder": folder})


def music_sections():
    """The sections that its commands need."""
    return {"midi": ("folder", "scores")}.get(music().source, (music().source,))


def placeless(*keys):
    """The sections that its commands need and some keys more, without where things lie: digests say what lies there."""
    corpus = music()
    folder = corpus.folder.model_copy(update={"path": None})
    scores = corpus.scores.model_copy(update={"pieces": "", "soundfont": None})
    what = corpus.model_copy(update={"folder": folder, "scores": scores})
    return as_json(what, "source", *keys, *music_sections())


def excerpt_songs(wildcards):
    """The folder of the excerpt, where it is the corpus."""
    return [EXCERPT] if experiment.corpus.source == "excerpt" else []


@functools.cache
def digests_of_corpus():
    """One for each shard, which changes when a file that is dealt to it does, or the list of pieces."""
    try:
        if experiment.corpus.source == "excerpt":
            return [""] * len(SHARDS)
        if experiment.corpus.source in ("folder", "midi"):
            return folder_digests(
                experiment.corpus.folder.path,
                len(SHARDS),
                source=experiment.corpus.source,
                memory=Path(".snakemake/descant/corpus.json"),
            )
        return [list_digest(experiment.corpus.scores.pieces)] * len(SHARDS)
    except DescantError as error:
        raise WorkflowError(str(error)) from None


def corpus_digest(wildcards):
    """Changes when any of them does, so that the scan runs again."""
    return hashlib.sha256(" ".join(digests_of_corpus()).encode()).hexdigest()


def shard_digest(wildcards):
    """Changes when a recording or score of the shard does, so that this shard is ingested again, and no other."""
    return digests_of_corpus()[int(wildcards.shard)]


def soundfont_digest(wildcards):
    """Changes with the bytes of the SoundFont, so that another one renders everything again."""
    try:
        if experiment.corpus.source in ("scores", "midi"):
            return soundfonts.soundfont_digest(experiment.corpus.scores.soundfont)
        return ""
    except DescantError as error:
        raise WorkflowError(str(error)) from None


def labels_file(wildcards):
    """The CSV file of labels, or None."""
    try:
        return labels.labels_file(experiment.corpus)
    except DescantError as error:
        raise WorkflowError(str(error)) from None


def labels_options(path):
    """The option for a CSV file of labels, or nothing: Snakemake does not quote an empty text."""
    return [f"--labels={path}"] if path else []


def labels_digest(wildcards):
    """Changes when its contents do, so that the labels are dealt again; the tracks are not decoded again."""
    path = labels_file(wildcards)
    return labels.labels_digest(path) if path else ""


def windows_to_fill(unit="second"):
    """The windows that tracks must fill, checked when they are packed; another window packs nothing again."""
    asked = windows(experiment, plan, unit)
    return json.dumps([dataclasses.asdict(each) for each in asked])


def source_in_words():
    """Where the music comes from, for people; a folder is not named: its path is nobody else's business."""
    words = {
        "scores": "Scores rendered by a synthesiser.",
        "folder": "Recordings from a folder.",
        "midi": "Scores from a folder, rendered by a synthesiser.",
        "excerpt": "Six seconds of one song, from the package stempeg.",
    }[experiment.corpus.source]
    if (
        experiment.corpus.source == "scores"
        and experiment.corpus.scores.pieces == "builtin"
    ):
        words = "Scores from music21's corpus, rendered by a synthesiser."
    if experiment.separation.method == "none":
        return words
    return f"{words} What is learnt is their {experiment.separation.stem}, separated."


# with where things lie, which is not tracked: what was read elsewhere before is not read again
MUSIC = as_json(music(), "source", "shards", "item_minutes", *music_sections())
