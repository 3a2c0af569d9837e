# What `snakemake play` plays, what `snakemake find_timbre` listens to, and with which networks.


def playing_models(wildcards):
    """The model files of the row that plays: of its Mel2Mel, and of its vocoder."""
    if experiment.play is None:
        raise WorkflowError(
            "nothing is named to play: add --config play='{score: my.mid, instrument: piano}'"
        )
    mel2mel, *_, vocoder = plan.routes[experiment.playing_row].trainings
    return [model_of(mel2mel), model_of(vocoder)]


def score_digest(wildcards):
    """Changes when the score does."""
    return named_digest("play.score", experiment.play.score, "a MIDI or MusicXML file")


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
    return model_of(plan.routes[experiment.finding_row].trainings[0])


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
