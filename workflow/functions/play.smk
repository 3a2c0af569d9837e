# What `snakemake play` plays, and with which networks.


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
    score = experiment.play.score
    if not score.is_file():
        raise WorkflowError(
            f"play.score is {score}, which is no file; name a MIDI or MusicXML file"
        )
    return file_digest(score)


def play_settings(wildcards):
    """The score, and what plays it."""
    return as_json(experiment.play)
