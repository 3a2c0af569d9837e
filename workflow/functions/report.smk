# The pages of the report, and what each is made from: the files that its rule reads, and settings.

from descant.config.mel import MEL, ROLL
from descant.evaluation.table_text import LEGEND
from descant.report.registry import KINDS, kind_of, measures

SIMULATED = "simulated/listening"


class File(str):
    """A file that a page is made from; what else it is given are settings."""


AUDIO = File(data_of("audio"))
WAVEFORM = File(data_of("waveform"))


def titles():
    """What people call each model."""
    return {model: row.title for model, row in drawn_rows.items()}


def report_pages():
    """Names of all pages of this run's report, in the order of its navigation."""
    present = {
        "players": [f"players/{model}" for model in drawn_rows],
        "steps": ["steps"] if rows_by_prior() else [],
        "curves": ["curves"],
        "population": ["population"] if populations() else [],
        "listening": ["listening"] if people_rated() else [],
        "separation": ["separation"] if experiment.separation.method != "none" else [],
        "simulated": [],
        "timbre": ["timbre"] if mel2mel_rows else [],
        "parts": ["parts"] if parts_rows else [],
    }
    if drawn_rows:
        present["table"] = ["table"]
    present["index"] = ["index"] if has_audio() or parts_rows else []
    present["music"] = ["music"] if experiment.music else []
    present["compositions"] = ["compositions"] if experiment.compositions else []
    present |= {measure: [measure] for measure in measured()}
    return [page for kind in KINDS for page in present.get(kind, [])]


def has_audio():
    """Whether audio is drawn or made; a run of music in parts alone learns from scores."""
    return bool(drawn_rows or plan.renderings)


def measured():
    """The measures of this run: of what is drawn, of what vocoders make, or of both."""
    both, of_frames, of_codes = {"onsets", "note_f1"}, {"synthesis"}, {"reconstruction"}
    asked = {
        *(set(measures()) - of_frames if drawn_rows else ()),
        *(both if plan.renderings else ()),
        *(of_frames if renderings_of(codes=False) else ()),
        *(of_codes if renderings_of(codes=True) else ()),
    }
    return [name for name in measures() if name in asked]


def navigation(wildcards):
    """The pages as a page's command takes them; what networks play or compose, and a simulated test, may stand alone."""
    if wildcards.page in (SIMULATED, "music", "compositions", "candidates", ASKED):
        return []
    named = titles()
    return [
        f"{page}={named[page.rpartition('/')[2]]}" if "/" in page else page
        for page in report_pages()
    ]


def front_given(page):
    """The run on one screen."""
    return {
        "table": File(rules.write_table.output.csv) if drawn_rows else None,
        "reconstruction": plain(experiment.evaluation.reconstruction),
        "vocoded": vocoded(File),
        "music": music_given(page)["pieces"],
        "composed": compositions_given(page)["folders"] if parts_rows else [],
        "parts": File(PARTS_TABLE) if parts_rows else None,
        "audio": AUDIO if has_audio() else File(data_of("parts")),
        "recordings": WAVEFORM if has_audio() else File(data_of("parts")),
        "models": [File(path) for path in (drawn_models() or other_models())],
        "drawn": {model: File(RENDERED.format(model=model)) for model in drawn_rows},
        "source": source_in_words() if has_audio() else parts_in_words(),
        "remarks": File(rules.pack.output.remarks) if has_audio() else None,
        "summaries": {name: summary_of(name) for name in measured()},
        "picked": [row.title for name, row in drawn_rows.items() if picked_words(name)],
        "pages": report_pages(),
    }


def candidates_given(page):
    """What every row's top level begins with."""
    rows = [
        {
            "model": model,
            "title": drawn_rows[model].title,
            "audio": File(HEARD_CANDIDATES.format(model=model)),
            "pick": drawn_rows[model].branch.pick,
        }
        for model in branching_rows()
    ]
    return {"rows": rows}


def players_given(page):
    """What one model makes."""
    model = page.rpartition("/")[2]
    row = drawn_rows[model]
    return {
        "title": row.title,
        "note": note_of(model),
        "picked": bool(picked_words(model)),
        "drawn": File(RENDERED.format(model=model)),
        "models": [File(model_of(name)) for name in plan.routes[model].trainings],
        "audio": AUDIO,
        "recordings": WAVEFORM,
        "temperature": experiment.sampling.temperature,
        "top_p": experiment.sampling.top_p,
        "top_k": experiment.sampling.top_k * bool(plan.routes[model].candidates),
    }


def rows_by_prior():
    """Rows that differ in nothing but their prior's steps: for each group, the steps and names, fewest steps first."""
    groups = {}
    for model in branching_rows():
        row, route = drawn_rows[model], plan.routes[model]
        steps = plan.trainings[route.draws[0].training].last
        shared = (row.levels, row.prior, row.upsamplers, row.decoder, row.branch.pick)
        groups.setdefault(shared, []).append((steps, model))
    return [sorted(rows) for rows in groups.values() if len(dict(rows)) > 1]


def steps_given(page):
    """The samples of these rows, and their figures."""
    return {
        "groups": [
            [
                {
                    "model": model,
                    "title": drawn_rows[model].title,
                    "steps": steps,
                    "level": top_level(model),
                    "audio": File(RENDERED.format(model=model)),
                }
                for steps, model in group
            ]
            for group in rows_by_prior()
        ],
        "table": File(rules.write_table.output.csv),
        "novelty": File("results/evaluation/novelty/findings.json"),
    }


def table_given(page):
    """The table."""
    notes = [
        f"{row.title}: {note_of(model)}"
        for model, row in drawn_rows.items()
        if note_of(model)
    ]
    return {
        "table": File(rules.write_table.output.csv),
        "headings": TABLE_HEADINGS,
        "hidden": ["model", "receptive_field_samples", "note"],
        "notes": [LEGEND, *notes],
    }


def parts_given(page):
    """The table of models of music in parts."""
    return {"table": File(PARTS_TABLE)}


def curves_given(page):
    """Every training's metrics, and the table of Mel2Mels."""
    return {
        "metrics": {name: File(path) for name, path in all_metrics().items()},
        "mel2mel": File(MEL2MELS) if mel2mel_rows else None,
    }


def population_given(page):
    """Every population; its folder is no output, the files in it are."""
    found = {training.title: folder for folder, training in populations().items()}
    return {"populations": found, "files": [File(path) for path in population_files()]}


def novelty_given(page):
    """The nearest places, to listen to."""
    folder = "results/evaluation/novelty"
    return {
        "findings": File(f"{folder}/findings.json"),
        "calibration": File(f"{folder}/calibration.json"),
        "recordings": WAVEFORM,
        "rows": novelty_rows(File),
        "shown": experiment.evaluation.novelty.shown,
    }


def distances_given(page):
    """The figures on every embedding."""
    folder = "results/evaluation/distances"
    return {
        "rows": File(f"{folder}/distances.csv"),
        "excerpts": File(f"{folder}/excerpts.csv"),
        "summary": summary_of("distances"),
    }


def structure_given(page):
    """The comparison, and pictures of the first excerpt of each."""
    tables = {
        name: File(f"results/evaluation/structure/{name}.csv")
        for name in ("table", "separation", "curves")
    }
    return {**tables, "summary": summary_of("structure"), **structure_sources(File)}


def reconstruction_given(page):
    """The figures of the reconstructions, and the excerpts to listen to."""
    folder = "results/evaluation/reconstruction"
    return {
        **reconstruction_excerpts(File),
        "measured": File(f"{folder}/measured.json"),
        "excerpts": File(f"{folder}/excerpts.csv"),
        "stacks": reconstructed(File),
        "decoded": decoded_levels(File),
    }


def music_given(page):
    """The pieces that were played."""
    return {
        "pieces": [
            {
                "title": piece.title,
                "played_by": played_by(piece),
                "audio": File(PLAYED.format(piece=name)),
            }
            for name, piece in experiment.music.items()
        ]
    }


def compositions_given(page):
    """What was composed."""
    names = [ASKED] if page == ASKED else experiment.compositions
    return {"folders": [File(COMPOSED.format(composition=name)) for name in names]}


def played_by(piece):
    """What plays a piece, in words."""

    def words(timbre):
        if isinstance(timbre, str):
            return timbre
        if isinstance(timbre, dict):
            return " and ".join(f"{share:g} {name}" for name, share in timbre.items())
        return "a point of the space of timbres"

    return ", then ".join(words(moment.instrument) for moment in piece.moments)


def synthesis_given(page):
    """The excerpts to listen to, their scores and spectrograms, and the figures."""
    predicted = {
        "mel spectrogram": MEL,
        **{
            f"predicted by {experiment.models[rendering.row].title}": rendering.frames
            for rendering in plan.renderings.values()
            if rendering.row
        },
    }
    return {
        **reconstruction_excerpts(File),
        "summary": summary_of("synthesis"),
        "vocoded": vocoded(File, renderings_of(codes=False)),
        "roll": File(data_of(ROLL)),
        "frames": {words: File(data_of(name)) for words, name in predicted.items()},
    }


def timbre_given(page):
    """The map and the ways of every row that has them."""
    rows = [
        {"model": name, "title": row.title, "folder": File(TIMBRES.format(row=name))}
        for name, row in mel2mel_rows.items()
    ]
    return {"rows": rows}


def listening_given(page):
    """What people said, or synthetic raters."""
    source = "simulated/" if page == SIMULATED else ""
    analysis = File(f"results/listening/{source}analysis.json")
    return {"analysis": analysis, "titles": listening_titles()}


def separation_given(page):
    """Mixes and stems of all shards."""
    stages = {
        "stems": rules.separate.output.stems,
        "mixes": rules.ingest.output.tracks,
        "separated": rules.separate.output.tracks,
    }
    return {
        name: [File(path) for path in collect(paths, shard=SHARDS)]
        for name, paths in stages.items()
    }


def summary_of(measure):
    """What other pages read of a measure."""
    return File(f"results/evaluation/{measure}/summary.json")


def measure_given(page):
    """What a measure's page is made from where nothing else is said: its summary, and the models' titles."""
    return {"summary": summary_of(page), "models": titles()}


GIVEN = {
    "index": front_given,
    "players": players_given,
    "candidates": candidates_given,
    "steps": steps_given,
    "table": table_given,
    "parts": parts_given,
    "curves": curves_given,
    "population": population_given,
    "novelty": novelty_given,
    "distances": distances_given,
    "structure": structure_given,
    "reconstruction": reconstruction_given,
    "synthesis": synthesis_given,
    "music": music_given,
    "compositions": compositions_given,
    ASKED: compositions_given,
    "timbre": timbre_given,
    "listening": listening_given,
    "simulated": listening_given,
    "separation": separation_given,
}


def page_given(wildcards):
    """What a page is made from."""
    kind = wildcards.page.partition("/")[0]
    return GIVEN.get(kind, measure_given)(wildcards.page)


def files_of(given):
    """Every file in what a page is made from."""
    if isinstance(given, File):
        return [str(given)]
    parts = given.values() if isinstance(given, dict) else given
    nested = parts if isinstance(given, (dict, list)) else ()
    return [path for part in nested for path in files_of(part)]


def page_files(wildcards):
    """The files that a page's rule reads."""
    return files_of(page_given(wildcards))


def page_category(wildcards):
    """Where a page stands in Snakemake's report."""
    return kind_of(wildcards.page).category


def page_labels(wildcards):
    """What it is called there."""
    kind, _, name = wildcards.page.partition("/")
    return {"model": name} if kind == "players" else {"page": kind_of(kind).label}
