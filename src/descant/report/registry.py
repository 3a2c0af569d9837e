"""Every page of the report and every measure, registered once.

A page is of the kind that stands before the slash of its name: ``players/large`` is of the kind ``players``. A new
measure is one entry here; the navigation, the front page and Snakemake's report follow from it (docs/new-measure.md).
The workflow reads this too: modules are named, and imported where they are used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar

from descant.errors import PageError
from descant.report.blocks import Page
from descant.results import Computation, Given

G = TypeVar("G", bound=Given)
S = TypeVar("S")


@dataclass(frozen=True)
class Finding(Generic[S]):
    """How a measure is put into a sentence for the front page.

    Attributes:
        summary: the model of its ``summary.json``.
        words: of the summary and the models' titles; empty where nothing was measured.
    """

    summary: type[S]
    words: Callable[[S, Mapping[str, str]], str]


class MeasureGiven(Given):
    """What a measure's page is made from, where the workflow says nothing else: its summary, and models' titles."""

    summary: Path
    models: dict[str, str]


@dataclass(frozen=True)
class Builder(Generic[G]):
    """How a page is made: from what, its blocks, and for a measure its finding."""

    given: type[G]
    build: Callable[[G], Page]
    finding: Finding[Any] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of page.

    Attributes:
        label: in the navigation; pages of one kind make a menu of that name.
        about: what a person finds there, a line on the front page; empty where it is not linked from there.
        category: in Snakemake's report.
        caption: there, reStructuredText.
        module: in ``report/pages``, whose ``PAGE`` is a :class:`Builder`; the kind's name where it is empty.
        question: that a measure answers, on the front page; empty for a page that is no measure.
        computation: module whose ``COMPUTATION`` the command ``measure`` runs; of every measure.
    """

    label: str
    about: str
    category: str
    caption: str
    module: str = ""
    question: str = ""
    computation: str = ""


KINDS: Mapping[str, Kind] = {
    "index": Kind(
        label="This run",
        about="",
        category="0 This run",
        caption="The run on one screen: what was trained on, the table in short, four samples to hear, and what each "
        "measure found. The same page stands beside the others in the folder ``results/report``, where its links "
        "work: open ``index.html`` there.",
        module="front",
    ),
    "music": Kind(
        label="Music",
        about="Pieces that networks play, to hear first.",
        category="1 Listen",
        caption="Scores that a Mel2Mel and its vocoder play: on instruments that they learnt, on mixtures, and on the "
        "way from one to another.",
    ),
    "compositions": Kind(
        label="Composed",
        about="Music in four parts that a network wrote: to read and to hear.",
        category="1 Listen",
        caption="Chorales that a network of music in four parts wrote, voices that it filled and melodies that it "
        "harmonised, engraved and played, with the rules of voice leading that each breaks.",
    ),
    "compose": Kind(
        label="Composed",
        about="",
        category="1 Listen",
        caption="What was asked of a network of music in four parts, engraved and played.",
        module="compositions",
    ),
    "candidates": Kind(
        label="Candidates",
        about="",
        category="1 Listen",
        caption="Beginnings that each row's top level drew, to choose from: those that ``branch.pick`` names go on.",
    ),
    "players": Kind(
        label="Listen",
        about="",
        category="1 Listen",
        caption="Samples of a model, in the order in which they were drawn: none was chosen by ear, unless the page "
        "says that beginnings were picked. Under them are excerpts of test tracks to compare with. The page also says "
        "how the model is built and how long it was trained.",
    ),
    "steps": Kind(
        label="On the way",
        about="What one prior drew at several steps of its training, side by side.",
        category="1 Listen",
        caption="Samples of rows that differ only in how long their prior was trained, side by side, with what it "
        "predicts of held-out music and how much of what it draws is copied.",
    ),
    "synthesis": Kind(
        label="From scores to sound",
        about="Held-out scores played by networks, to hear beside the recordings, and how near they are.",
        category="1 Listen",
        caption="Excerpts of test pieces from their mel spectrograms: true ones, which show what each vocoder loses, "
        "and those that a Mel2Mel predicts from the score. Beside them the correlation of constant-Q spectra with the "
        "recordings, by octave and by instrument, with floors.",
        question="Does it play the score",
        computation="descant.evaluation.synthesis",
    ),
    "table": Kind(
        label="The table",
        about="Likelihoods of held-out tracks, beside the paper's own figures.",
        category="2 The table",
        caption="One row a model. *Measured here* are likelihoods of test tracks, in bits: lower is better. *Bits per "
        "sample* compares all rows, with its bootstrap interval over tracks; for a model with codes it is an upper "
        "bound. The tinted columns repeat the paper's figures for the paper's own models, trained on other music at "
        "another scale. A dash stands where there is no figure.",
    ),
    "parts": Kind(
        label="Music in parts",
        about="Models that compose and fill four voices, beside counting and beside Bach.",
        category="2 The table",
        caption="How well each model of music in parts predicts test pieces and fills missing voices, beside n-grams; "
        "how often what it draws breaks rules of voice leading, beside Bach's own rate; and how its histograms differ "
        "from real ones. Most tokens are held: columns of changed ones count.",
    ),
    "curves": Kind(
        label="Training",
        about="How each network got there.",
        category="3 Training",
        caption="Figures over training steps: the autoencoders beside one another, then the priors. *Bits* are the "
        "cost of a step, *perplexity* is the number of codes in use, and the *gap* is what the codes are worth to the "
        "network below them: at 0 it ignores them. Validation is on tracks that are not trained on.",
    ),
    "population": Kind(
        label="Population",
        about="Which members of a population took over others' states, and what was chosen.",
        category="3 Training",
        caption="Population-based training: every member's validation bits along its lineage, the hyper-parameters "
        "that it trained with, its fitness and codes in use, and every decision. Heavy lines lead to the state that "
        "was chosen; dashed ones join a member to the state that it took over. Population, tuned keys and fitness are "
        "ours: the paper's are not published where we could read them.",
    ),
    "novelty": Kind(
        label="Novelty",
        about="Whether what is drawn was copied, with the nearest passages side by side.",
        category="5 Measures",
        caption="Whether what the models draw is copied from the training music: searched by acoustic fingerprint, by "
        "its notes in any of twelve keys, and by runs of shared codes. Every threshold is set by held-out music of "
        "this corpus; the nearest matches can be heard side by side.",
        question="Is it a copy?",
        computation="descant.evaluation.novelty.findings",
    ),
    "distances": Kind(
        label="Distances",
        about="How far what is drawn lies from real music.",
        category="5 Measures",
        caption="How far each model's drawn audio lies from held-out real music, as *MMD²* on each embedding: lower is "
        "nearer, and about 0 means that no difference was found. The *floor* is what two halves of the real test "
        "tracks are apart; white noise and shuffled real music show the scale. A Fréchet distance is reported only "
        "where there are enough tracks for one.",
        question="How near to real music",
        computation="descant.evaluation.distances.results",
    ),
    "structure": Kind(
        label="Structure",
        about="Self-similarity, key, pulse and notes, against real and shuffled music.",
        category="5 Measures",
        caption="What order there is in the music that comes out: whether harmony and timbre hold and return, key, "
        "pulse, and notes found by a transcriber, beside held-out real music and the same music shuffled in blocks. A "
        "measure that does not separate these two at this length is named as dropped and not shown.",
        question="Musical structure",
        computation="descant.evaluation.structure.compare",
    ),
    "reconstruction": Kind(
        label="Reconstruction",
        about="What each level's codes keep of the music, to hear.",
        category="5 Measures",
        caption="Excerpts of test tracks, decoded from their own codes: the original, the same through mu-law, and "
        "what every stack makes of its codes. Beside them how far each is from the original, how many codes are in "
        "use, and what they are worth.",
        question="What the codes keep",
        computation="descant.evaluation.reconstruction_results",
    ),
    "onsets": Kind(
        label="Onsets",
        about="Whether notes begin where they did, after codes or mel spectrograms.",
        category="5 Measures",
        caption="Correlation of onset strength between excerpts of test tracks and what stacks make of their codes, or "
        "vocoders of their spectrograms, beside mu-law alone, another track and white noise.",
        question="Does the rhythm survive",
        computation="descant.evaluation.onsets",
    ),
    "note_f1": Kind(
        label="Notes",
        about="Whether the notes can still be heard, after codes or mel spectrograms.",
        category="5 Measures",
        caption="F1 of the notes that a transcriber hears in what stacks make of the codes of test tracks, or vocoders "
        "of their spectrograms, beside the recording itself, mu-law alone, another track and white noise.",
        question="Do the notes survive",
        computation="descant.evaluation.note_f1",
    ),
    "timbre": Kind(
        label="Timbres",
        about="The space of timbres that a Mel2Mel learnt, as a map, and ways between instruments to hear.",
        category="5 Measures",
        caption="The space of timbres of each Mel2Mel: how bright and how loud one passage of a test track is at each "
        "point, with the instruments where they lie, and the way from one instrument to another, to see and to hear.",
    ),
    "listening": Kind(
        label="Listening test",
        about="What people said who listened.",
        category="6 Listening test",
        caption="What listeners gave to the clips of each model, to held-out real music and to low anchors, with the "
        "interval that takes into account that ratings of one rater, and of one clip, are alike. The classical error "
        "stands beside it as papers print it; it is too small. The page shows how well raters agree, who was left out "
        "and why, and what the scores are without leaving anyone out.",
    ),
    "simulated": Kind(
        label="Simulated listening test",
        about="",
        category="6 Listening test",
        caption="A listening test by synthetic raters, for its power: nobody listened.",
        module="listening",
    ),
    "separation": Kind(
        label="Separation",
        about="Mix and stem of a few tracks.",
        category="4 Corpus",
        caption="Excerpts of tracks before and after separation: the mix, and the stem that the models learn from. "
        "Levels, bandwidth and the reason of every track that was set aside come from the checks that follow "
        "separation.",
    ),
}


def measures() -> list[str]:
    """Names of all measures, in the order of the navigation."""
    return [name for name, kind in KINDS.items() if kind.question]


def kind_of(page: str) -> Kind:
    """The kind of a page.

    Raises:
        PageError: when there is none of that name.
    """
    name = page.partition("/")[0]
    if name not in KINDS:
        raise PageError(f"there is no page {page!r}", f"name one of {', '.join(KINDS)}; a model's is players/MODEL")
    return KINDS[name]


def load_builder(page: str) -> Builder[Any]:
    """How a page is made.

    Raises:
        PageError: when there is none of that name.
    """
    module = kind_of(page).module or page.partition("/")[0]
    found: Builder[Any] = import_module(f"descant.report.pages.{module}").PAGE
    return found


def load_computation(measure: str) -> Computation[Any]:
    """How a measure is computed.

    Raises:
        PageError: when there is no measure of that name.
    """
    module = kind_of(measure).computation
    if not module:
        raise PageError(f"{measure} is not computed by this command", f"name one of {', '.join(measures())}")
    found: Computation[Any] = import_module(module).COMPUTATION
    return found
