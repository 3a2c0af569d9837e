# What the rules share: the checked configuration, and functions that hand each rule its slice of it.
import functools
import json
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError

from descant.config import root
from descant.config.listening import DEFINES_TEST
from descant.corpus import labels
from descant.corpus.scan import folder_digest
from descant.corpus.scores import list_digest
from descant.errors import DescantError
from descant.evaluation.table_text import LEGEND
from descant.listening.digest import ratings_digest
from descant.runs.interruption import prepare_jobs
from descant.separation.choose import backend
from descant.separation.spleeter_environment import is_supported
from descant.separation.spleeter_weights import hash_weights

try:
    experiment = root.parse(config)
except DescantError as error:
    raise WorkflowError(str(error)) from None

prepare_jobs()


def alternatives(names):
    """Regular expression for exactly these names; one that matches nothing when there are none."""
    return "|".join(name.replace(".", r"\.") for name in names) or r"(?!)"


wildcard_constraints:
    shard=r"\d+",
    # any ADA can be asked for on audio, a continuous one too, which no model can stand on
    stack=alternatives(dict.fromkeys((*experiment.stacks, *experiment.adas))),
    sequence=alternatives((root.AUDIO, *experiment.stacks)),
    prior=alternatives(experiment.priors),
    model=alternatives(experiment.models),
    level=r"\d+",
    # whose ratings: nothing for people's
    source=r"(simulated/)?",


SHARDS = range(experiment.corpus.shards)
TRAINING_GPUS = experiment.gpus_per_job
GPUS = min(1, experiment.gpus_per_job)
THREADS = experiment.threads_per_job


def as_json(section, *keys):
    """A section, or only the named keys of it, as the JSON text that a command takes."""
    return section.model_dump_json(include=set(keys) or None)


def top_level(model):
    """Number of a model's top level: 0 for a plain WaveNet."""
    return len(experiment.levels(model)) - 1


def prior_of(model):
    """Wildcards of the prior that a model samples from."""
    return {"prior": experiment.models[model].prior, "sequence": experiment.top(model)}


def trained_priors():
    """Each pair of prior and sequence that some model needs, once."""
    return sorted({tuple(prior_of(model).values()) for model in experiment.models})


EXCERPT = "resources/songs"


def music():
    """The corpus as its commands take it: the excerpt is a folder too, made by a rule."""
    if experiment.corpus.source != "excerpt":
        return experiment.corpus
    folder = experiment.corpus.folder.model_copy(update={"path": EXCERPT})
    return experiment.corpus.model_copy(update={"source": "folder", "folder": folder})


def excerpt_songs(wildcards):
    """The folder of the excerpt, where it is the corpus."""
    return [EXCERPT] if experiment.corpus.source == "excerpt" else []


def corpus_digest(wildcards):
    """Changes when a file of the folder does, or the list of pieces, so that the scan runs again."""
    try:
        if experiment.corpus.source == "excerpt":
            return ""
        if experiment.corpus.source == "folder":
            return folder_digest(experiment.corpus.folder.path)
        return list_digest(experiment.corpus.scores.pieces)
    except DescantError as error:
        raise WorkflowError(str(error)) from None


def labels_file(wildcards):
    """The CSV file of labels, or None."""
    try:
        return labels.labels_file(experiment.corpus)
    except DescantError as error:
        raise WorkflowError(str(error)) from None


def labels_option(wildcards):
    """The option for it, or nothing: Snakemake does not quote an empty text."""
    path = labels_file(wildcards)
    return [f"--labels={path}"] if path else []


def labels_digest(wildcards):
    """Changes when its contents do, so that the labels are dealt again; the tracks are not decoded again."""
    path = labels_file(wildcards)
    return labels.labels_digest(path) if path else ""


def has_spleeter():
    """Whether tracks are separated by spleeter's network."""
    return experiment.separation.method == "spleeter"


def weights_folder(wildcards):
    """Folder of spleeter's models: a user's own, or the one that a rule makes; none where no network separates."""
    if not has_spleeter():
        return []
    if not experiment.separation.weights:
        return ["resources/spleeter/weights/2stems"]
    # tells what is missing, with a cure, before Snakemake does
    files_of_one_s_own()
    return [f"{experiment.separation.weights}/2stems"]


def interpreter_file(wildcards):
    """The file that names the Python of spleeter's environment; none where TensorFlow is not used."""
    section = experiment.separation
    # where it is asked for, the rule that makes the environment tells whether it can
    available = is_supported() or section.backend == "tensorflow"
    if has_spleeter() and backend(section, available) == "tensorflow":
        return ["resources/spleeter/environment/interpreter.txt"]
    return []


def separation_settings():
    """The keys that the chosen method uses."""
    keys = {
        "none": (),
        "spleeter": ("model", "stem", "backend", "weights"),
        "stems": ("stem", "stems_folder"),
    }
    return as_json(experiment.separation, "method", *keys[experiment.separation.method])


def separator_options(wildcards, input):
    """The options that the chosen separator needs, and no others."""
    weights = [f"--weights={os.path.dirname(path)}" for path in input.weights]
    return [*weights, *(f"--interpreter={path}" for path in input.interpreter)]


@functools.cache
def files_of_one_s_own():
    """Changes when a user's own stems or weights do; empty where there are none."""
    section = experiment.separation
    try:
        if section.method == "stems":
            return folder_digest(section.stems_folder, "separation.stems_folder")
        if has_spleeter() and section.weights:
            return json.dumps(hash_weights(Path(section.weights)))
    except DescantError as error:
        raise WorkflowError(str(error)) from None
    return ""


def separation_digest(wildcards):
    """Changes when they do, so that the separation runs again."""
    return files_of_one_s_own()


def separation_pages(wildcards):
    """The page that shows what was separated; none where nothing was."""
    separated = experiment.separation.method != "none"
    return ["results/report/separation.html"] if separated else []


def ada_settings(wildcards):
    """The top ADA's slice of the configuration; a population's is handed to the rules that use it."""
    return experiment.ada(wildcards.stack).model_dump_json(exclude={"population"})


def trained_stacks():
    """Every stack that can be asked for: those in use, and any ADA on audio."""
    return tuple(dict.fromkeys((*experiment.stacks, *experiment.adas)))


def population_stacks():
    """Stacks whose top ADA is trained by a population."""
    return [stack for stack in trained_stacks() if experiment.ada(stack).population]


def plain_stacks():
    """Stacks whose top ADA is trained once."""
    return [stack for stack in trained_stacks() if not experiment.ada(stack).population]


def population_of(wildcards):
    """The population of a stack's top ADA."""
    return experiment.ada(wildcards.stack).population


def population_settings(wildcards):
    """What its decisions follow from, besides scores and the settings as written."""
    later = ("exploit", "factors") if int(wildcards.generation) else ()
    return as_json(population_of(wildcards), "members", "tuned", *later)


def tuned_as_written(wildcards):
    """The tuned settings as written, by dotted name."""
    real = experiment.ada(wildcards.stack).real_settings()
    return json.dumps(
        {name: real[name] for name in sorted(population_of(wildcards).tuned)}
    )


def of_members(stack, generation, name):
    """A file of every member of a generation; none of one before the first."""
    folder = f"results/population/{stack}/generation{generation}"
    members = range(experiment.ada(stack).population.members if generation >= 0 else 0)
    return [f"{folder}/member{member}/{name}" for member in members]


def of_all_members(stack, name):
    """A file of every member of every generation."""
    generations = range(experiment.ada(stack).population.generations)
    return [
        path
        for generation in generations
        for path in of_members(stack, generation, name)
    ]


def decisions_of(stack):
    """The decisions of every generation of a stack's population."""
    generations = range(experiment.ada(stack).population.generations)
    return [
        f"results/population/{stack}/generation{generation}/decisions.csv"
        for generation in generations
    ]


def decisions_before(wildcards):
    """The decisions that a generation's follow; none in the first."""
    generation = int(wildcards.generation)
    return decisions_of(wildcards.stack)[max(0, generation - 1) : generation]


def scores_before(wildcards):
    """The scores that a generation's decisions follow."""
    return of_members(wildcards.stack, int(wildcards.generation) - 1, "score.json")


def states_before(wildcards):
    """The states that a generation can go on from."""
    return of_members(
        wildcards.stack, int(wildcards.generation) - 1, "state.safetensors"
    )


def previous_option(wildcards):
    """The option for their folder; none in the first generation."""
    return [
        f"--previous={os.path.dirname(path)}" for path in decisions_before(wildcards)
    ]


def last_step(wildcards):
    """The step of the whole training that a generation ends after."""
    steps = experiment.ada(wildcards.stack).training.steps
    generations = population_of(wildcards).generations
    return steps // generations * (int(wildcards.generation) + 1)


def all_decisions(wildcards):
    """The decisions of every generation."""
    return decisions_of(wildcards.stack)


def all_member_metrics(wildcards):
    """The figures of every member of every generation."""
    return of_all_members(wildcards.stack, "metrics.csv")


def last_scores(wildcards):
    """The scores that the choice follows."""
    last = population_of(wildcards).generations - 1
    return of_members(wildcards.stack, last, "score.json")


def last_states(wildcards):
    """The states that it chooses from."""
    last = population_of(wildcards).generations - 1
    return of_members(wildcards.stack, last, "state.safetensors")


def sequence_below(wildcards):
    """The packed sequence that a stack's top ADA is trained on."""
    return f"results/sequences/{root.below(wildcards.stack)}/data.npy"


def index_below(wildcards):
    """Its index."""
    return f"results/sequences/{root.below(wildcards.stack)}/index.parquet"


def prior_settings(wildcards):
    """The prior's slice of the configuration."""
    return as_json(experiment.priors[wildcards.prior])


def row_of(model):
    """One row of the table as the command takes it: facts of the configuration and where its bits are."""
    prior = prior_of(model)
    levels = experiment.levels(model)
    row = experiment.models[model]
    return {
        "model": model,
        "title": row.title,
        "note": row.note,
        "receptive_field": experiment.receptive_field(model),
        "bits": [f"results/likelihood/ada/{stack}.parquet" for stack in levels[1:]]
        + [f"results/likelihood/prior/{prior['prior']}/{prior['sequence']}.parquet"],
        "paper": row.paper.model_dump() if row.paper else None,
    }


def sampled_samples():
    """Audio samples of a draw, a multiple that every stack can make exactly."""
    multiple = experiment.length_multiple
    return (
        -(
            -round(experiment.sampling.seconds * experiment.audio.sample_rate)
            // multiple
        )
        * multiple
    )


def prior_model(wildcards):
    """Model file of the prior that a model samples from."""
    return "results/prior/{prior}/{sequence}/model.safetensors".format(
        **prior_of(wildcards.model)
    )


def codes_above(wildcards):
    """What was drawn one level up."""
    above = int(wildcards.level) + 1
    name = "top" if above == top_level(wildcards.model) else f"level{above}"
    return f"results/samples/{wildcards.model}/{name}.npy"


def ada_above(wildcards):
    """Model file of the ADA between a level and the one above it."""
    stack = experiment.levels(wildcards.model)[int(wildcards.level) + 1]
    return f"results/ada/{stack}/model.safetensors"


def draw_megabytes(wildcards):
    """Memory of drawing a level below codes: what its rows remember, three times over while it is saved."""
    above = experiment.levels(wildcards.model)[int(wildcards.level) + 1]
    return megabytes_below(above, experiment.sampling.count)


def megabytes_below(stack, sequences):
    """Memory of drawing so many sequences below a stack's top ADA."""
    shape = experiment.ada(stack).local_model
    windows = experiment.sampling.windows
    rows = sequences * (windows.count if windows else 1)
    remembered = shape.receptive_field * shape.residual_channels
    remembered += 16 * len(shape.dilations) * shape.gate_channels
    return 4000 + 3 * 4 * rows * remembered // 10**6


def adas_down(wildcards):
    """Model files of a stack's ADAs, top first: the order in which its codes become audio."""
    names = wildcards.stack.split(".")
    stacks = [".".join(names[:level]) for level in range(len(names), 0, -1)]
    return [f"results/ada/{stack}/model.safetensors" for stack in stacks]


def reconstruct_megabytes(wildcards):
    """Memory of decoding the excerpts twice: one level at a time, so the most that a level takes."""
    names = wildcards.stack.split(".")
    sequences = 2 * experiment.evaluation.reconstruction.excerpts
    return max(
        megabytes_below(".".join(names[: level + 1]), sequences)
        for level in range(len(names))
    )


def structure_seconds():
    """Length of the excerpts whose structure is measured: what is asked for, or what is drawn, at most 24 s."""
    drawn = sampled_samples() / experiment.audio.sample_rate
    return experiment.evaluation.structure.seconds or min(24.0, drawn)


def compared_seconds():
    """Length of the excerpts that distances compare: as long as is asked for, but not longer than what is drawn."""
    drawn = sampled_samples() / experiment.audio.sample_rate
    return min(experiment.evaluation.distances.seconds, drawn)


def novelty_settings():
    """What the searches for copies use: how much of it is shown changes none of them."""
    section = experiment.evaluation.novelty
    return as_json(section, *(set(type(section).model_fields) - {"shown"}))


def top_codes(wildcards):
    """The packed codes that a model's prior is trained on."""
    return f"results/sequences/{experiment.top(wildcards.model)}/data.npy"


def top_codes_index(wildcards):
    """Their index."""
    return f"results/sequences/{experiment.top(wildcards.model)}/index.parquet"


def novelty_rows():
    """A model as the page on copies takes it; a plain WaveNet's top level is the audio, which has its own searches."""
    folder = "results/evaluation/novelty/models"
    return [
        {
            "model": model,
            "title": row.title,
            "drawn": f"results/samples/{model}/{'level0' if row.stack else 'top'}.npy",
            "audio": f"{folder}/{model}.audio.json",
            "codes": f"{folder}/{model}.codes.json" if row.stack else None,
        }
        for model, row in experiment.models.items()
    ]


def novelty_files(row):
    """The files that a row of the page on copies names."""
    return [row[key] for key in ("drawn", "audio", "codes") if row[key]]


def drawn_audio(wildcards):
    """A model's drawn mu-law audio."""
    name = "level0" if top_level(wildcards.model) else "top"
    return f"results/samples/{wildcards.model}/{name}.npy"


def all_metrics():
    """Metrics of every training by its name."""
    adas = {stack: f"results/ada/{stack}/metrics.csv" for stack in experiment.stacks}
    priors = {
        f"{prior} prior on {sequence}": f"results/prior/{prior}/{sequence}/metrics.csv"
        for prior, sequence in trained_priors()
    }
    return adas | priors


def populations():
    """Folder of the population of every stack in use that has one."""
    return {
        stack: f"results/population/{stack}"
        for stack in experiment.stacks
        if stack in population_stacks()
    }


def population_files():
    """What the page of populations reads: the choice, every decision, and each member's score and metrics."""
    files = []
    for stack, folder in populations().items():
        files += [f"{folder}/chosen.json", *decisions_of(stack)]
        files += of_all_members(stack, "score.json")
        files += of_all_members(stack, "metrics.csv")
    return files


def population_pages(wildcards):
    """The page of populations; none where no stack in use has one."""
    return ["results/report/population.html"] if populations() else []


def models_of(wildcards):
    """Model files of a model: its prior's, and every ADA's."""
    adas = [
        f"results/ada/{stack}/model.safetensors"
        for stack in experiment.levels(wildcards.model)[1:]
    ]
    return [prior_model(wildcards), *adas]


def listening_models():
    """The rows of the table that people listen to."""
    return experiment.listening.models or tuple(experiment.models)


def test_settings():
    """The keys that decide what is heard and by whom."""
    return experiment.listening.model_dump_json(include=DEFINES_TEST)


def ratings_file():
    """Where people's ratings are kept: in no folder that a rule or `make clean` deletes."""
    return f"{experiment.listening.folder}/ratings.sqlite"


@functools.cache
def people_rated():
    """Changes when a rating does; empty where nobody has rated."""
    try:
        return ratings_digest(Path(ratings_file()))
    except DescantError as error:
        raise WorkflowError(str(error)) from None


def people_digest(wildcards):
    """Changes when a rating does, so that the ratings are exported again."""
    return people_rated()


def people_scores(wildcards):
    """The scores that people gave; none where nobody has rated, and then no job of the listening test either."""
    return ["results/listening/scores.csv"] if people_rated() else []


def scores_option(wildcards):
    """The option for them, or nothing."""
    return [f"--scores={path}" for path in people_scores(wildcards)]


def listening_pages(wildcards):
    """The page of what people said; none where nobody has rated."""
    return ["results/report/listening.html"] if people_rated() else []


def note_of(wildcards):
    """The option for a model's note, or nothing: Snakemake does not quote an empty text."""
    note = experiment.models[wildcards.model].note
    return [f"--note={note}"] if note else []


TABLE_HEADINGS = {
    "title": "Model",
    "levels": "Levels",
    "receptive_field_ms": "Receptive field, ms",
    "bits_per_step_level0": "Bits per step, level 0 (audio)",
    **{
        f"bits_per_step_level{level}": f"Bits per code, level {level}"
        for level in range(1, 1 + max(top_level(model) for model in experiment.models))
    },
    "bits_per_second": "Bits per second",
    "bits_per_sample": "Bits per sample, at most",
    "bits_per_sample_low": "Interval, low",
    "bits_per_sample_high": "Interval, high",
    "test_tracks": "Test tracks",
    "test_seconds": "Test audio, s",
    "our_fidelity": "Fidelity",
    "our_fidelity_n": "Ratings",
    "our_musicality": "Musicality",
    "our_musicality_n": "Ratings",
    "our_raters": "Raters",
    "paper_receptive_field_ms": "Receptive field, ms",
    "paper_fidelity": "Fidelity",
    "paper_fidelity_plus_minus": "±",
    "paper_musicality": "Musicality",
    "paper_musicality_plus_minus": "±",
}


# What is measured besides likelihoods: a page and a summary each, and what the navigation calls it.
MEASURES = {
    "novelty": "Novelty",
    "distances": "Distances",
    "structure": "Structure",
    "reconstruction": "Reconstruction",
}


def measured():
    """The summary of each measure by its name."""
    return {name: f"results/evaluation/{name}/summary.json" for name in MEASURES}


def all_models():
    """Model files of every network of the run."""
    adas = [f"results/ada/{stack}/model.safetensors" for stack in experiment.stacks]
    priors = [
        f"results/prior/{'/'.join(pair)}/model.safetensors" for pair in trained_priors()
    ]
    return [*adas, *priors]


def source_in_words():
    """Where the music comes from, for people; a folder is not named: its path is nobody else's business."""
    told = {
        "scores": "Scores rendered by a synthesiser.",
        "folder": "Recordings from a folder.",
        "excerpt": "Six seconds of one song, from the package stempeg.",
    }[experiment.corpus.source]
    if (
        experiment.corpus.source == "scores"
        and experiment.corpus.scores.pieces == "builtin"
    ):
        told = "Scores from music21's corpus, rendered by a synthesiser."
    if experiment.separation.method == "none":
        return told
    return f"{told} What is learnt is their {experiment.separation.stem}, separated."


def report_pages():
    """Every page of this run's report, in the order of its navigation; what stands before a slash names a menu."""
    listen = [
        f"Listen/{row.title}=players/{model}.html"
        for model, row in experiment.models.items()
    ]
    separated = experiment.separation.method != "none"
    return [
        "This run=index.html",
        *listen,
        "The table=table.html",
        "Training=curves.html",
        *(["Population=population.html"] if populations() else []),
        *(f"{label}={name}.html" for name, label in MEASURES.items()),
        *(["Listening test=listening.html"] if people_rated() else []),
        *(["Separation=separation.html"] if separated else []),
    ]
