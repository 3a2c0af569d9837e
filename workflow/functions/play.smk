# What `snakemake play` and `snakemake music` play, what `snakemake find_timbre` listens to, and with which networks.

from descant.config.mel import Mel
from descant.config.play import Playing
from descant.corpus.scores import BUILTIN, locate
from descant.errors import DescantError

SAMPLING = as_json(experiment.sampling, "temperature", "top_p", "engine", "precision")
# of both rules that play
PLAY = (
    "python -m descant.commands.play --settings {params.settings:q} --sampling {params.sampling:q}"
    " --mel2mel {input.models[0]:q} --vocoder {input.models[1]:q} --output {output.audio:q} --runs {params.runs:q}"
    " --seed {params.seed:q} --threads {threads:q} --gpus {resources.gpu:q} {params.begins:q} 2> {log:q}"
)
PLAYED = "results/music/{piece}.flac"
SHIPPED = "resources/pretrained/{network}.safetensors"


def shipped(network):
    """A network that ships, such as parts/model, copied from the checkout: where that lies asks for nothing anew."""
    return SHIPPED.format(network=network)


def shipped_file(wildcards):
    """Where it lies in the checkout."""
    return f"{workflow.basedir}/pretrained/{wildcards.network}.safetensors"


def networks_of(asked):
    """The model files that play: of a row's Mel2Mel and vocoder, or where no row can, those that ship."""
    row = experiment.playing_row(asked)
    if row is None:
        return [shipped("instruments/mel2mel"), shipped("instruments/vocoder")]
    mel2mel, *_, vocoder = plan.routes[row].trainings
    return [model_of(mel2mel), model_of(vocoder)]


def playing_models(wildcards):
    """The model files that play the score that is asked for."""
    if experiment.play is None:
        raise WorkflowError(
            "nothing is named to play: add --config play='{score: my.mid, instrument: organ}'"
        )
    return networks_of(experiment.play)


def score_digest(wildcards):
    """Changes when the score does."""
    return named_digest("play.score", experiment.play.score, "a MIDI or MusicXML file")


def piece_models(wildcards):
    """The model files that play a piece of `music:`."""
    return networks_of(experiment.music[wildcards.piece])


def piece_composed(wildcards):
    """The composition that is played, where it is one."""
    name = experiment.music[wildcards.piece].composition
    return [] if name is None else [COMPOSED.format(composition=name)]


def piece_begins(wildcards):
    """The option for a composition, which may begin with a pickup: it is heard from its first note on, as on its page."""
    is_composed = experiment.music[wildcards.piece].composition is not None
    return ["--from-first-note"] if is_composed else []


def found_score(key, score):
    """A score that is named: a file, or one of music21's corpus."""
    try:
        return score if score.is_file() else locate(BUILTIN, str(score))
    except DescantError:
        raise WorkflowError(
            f"{key}: there is no score {str(score)!r}\n  cure: name a file, from the folder of the YAML"
            " file that names it, or a path of music21's corpus, such as bach/bwv269.xml"
        ) from None


def piece_score(piece):
    """The score of a piece: that of a composition, a file, or one of music21's corpus."""
    asked = experiment.music[piece]
    if asked.composition is not None:
        composition = compositions[asked.composition]
        return (
            f"{COMPOSED.format(composition=asked.composition)}/{composition.answer}.mid"
        )
    return found_score(f"music.{piece}.score", asked.score)


def piece_digest(wildcards):
    """Changes when its score does; that of a composition is an input."""
    is_composed = experiment.music[wildcards.piece].composition is not None
    return None if is_composed else file_digest(piece_score(wildcards.piece))


def piece_settings(wildcards, input):
    """The piece as the command takes it; where its score lies is not tracked, what it holds is."""
    asked = experiment.music[wildcards.piece]
    score = str(piece_score(wildcards.piece))
    return as_json({**plain(asked, *Playing.model_fields), "score": score})


def piece_asked(wildcards):
    """What is asked for, where the score lies left out."""
    return as_json(experiment.music[wildcards.piece], *Playing.model_fields)


def named_digest(key, path, what):
    """Changes when a file that the configuration names does."""
    if not path.is_file():
        raise WorkflowError(f"{key} is {path}, which is no file; name {what}")
    return file_digest(path)


def play_settings(wildcards):
    """The score, and what plays it."""
    return as_json(experiment.play)


def finding_model(wildcards):
    """The model file of the Mel2Mel in whose space a timbre is looked for."""
    if experiment.find_timbre is None:
        raise WorkflowError(
            "nothing is named to listen to: add --config find_timbre='{recording: my.wav, score: my.mid}'"
        )
    row = experiment.finding_row
    if row is None:
        return shipped("instruments/mel2mel")
    return model_of(plan.routes[row].trainings[0])


def finding_mel():
    """The spectrograms that it reads: the run's, or those that the shipped networks learnt."""
    return as_json(Mel() if experiment.finding_row is None else experiment.mel)


def finding_settings(wildcards):
    """The recording, its score, and how a timbre is looked for."""
    return as_json(experiment.find_timbre)


def finding_digests(wildcards):
    """Change when the recording or the score does."""
    asked = experiment.find_timbre
    return [
        named_digest("find_timbre.recording", asked.recording, "a recording"),
        named_digest("find_timbre.score", asked.score, "a MIDI or MusicXML file"),
    ]
