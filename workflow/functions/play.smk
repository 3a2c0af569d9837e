# What `snakemake play` and `snakemake music` play, what `snakemake find_timbre` listens to, and with which networks.
from descant.config.play import Play
from descant.corpus.scores import BUILTIN, locate
from descant.errors import DescantError

SHIPPED = f"{workflow.basedir}/pretrained/instruments"
PLAYED = "results/music/{piece}.flac"


def networks_of(asked):
    """The model files that play: of a row's Mel2Mel and vocoder, or where no row can, those that ship."""
    row = experiment.playing_row(asked)
    if row is None:
        return [f"{SHIPPED}/mel2mel.safetensors", f"{SHIPPED}/vocoder.safetensors"]
    mel2mel, *_, vocoder = plan.routes[row].trainings
    return [model_of(mel2mel), model_of(vocoder)]


def playing_models(wildcards):
    """The model files that play the score that is asked for."""
    if experiment.play is None:
        raise WorkflowError(
            "nothing is named to play: add --config play='{score: my.mid, instrument: piano}'"
        )
    return networks_of(experiment.play)


def score_digest(wildcards):
    """Changes when the score does."""
    return named_digest("play.score", experiment.play.score, "a MIDI or MusicXML file")


def piece_models(wildcards):
    """The model files that play a piece of `music:`."""
    return networks_of(experiment.music[wildcards.piece])


def piece_score(piece):
    """Its score: a file, or one of music21's corpus."""
    score = experiment.music[piece].score
    try:
        return score if score.is_file() else locate(BUILTIN, str(score))
    except DescantError as error:
        raise WorkflowError(f"music.{piece}.score: {error}") from None


def piece_digest(wildcards):
    """Changes when its score does."""
    return file_digest(piece_score(wildcards.piece))


def piece_settings(wildcards, input):
    """The piece as the command takes it; where its score lies is not tracked, what it holds is."""
    asked = experiment.music[wildcards.piece]
    score = str(piece_score(wildcards.piece))
    return as_json({**plain(asked, *set(Play.model_fields)), "score": score})


def piece_asked(wildcards):
    """What is asked for, where the score lies left out."""
    return as_json(
        experiment.music[wildcards.piece], *set(Play.model_fields) - {"score"}
    )


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
        return f"{SHIPPED}/mel2mel.safetensors"
    return model_of(plan.routes[row].trainings[0])


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
