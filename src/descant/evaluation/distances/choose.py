"""Opens an embedding by its kind."""

from descant.evaluation.distances.kinds import MUSICNN, POSTERIORS, Embedding, Kind


def open_embedding(kind: Kind, threads: int) -> Embedding:
    """Open an embedding.

    Args:
        kind: which.
        threads: of the CPU, for a network that does not take torch's.

    Raises:
        ModelFileError: when its weights are not installed or cannot be read.
    """
    # each is slow to import, and short excerpts need but one
    if kind == MUSICNN:
        from descant.evaluation.distances.musicnn import Musicnn

        return Musicnn()
    if kind == POSTERIORS:
        from descant.evaluation.distances.posteriors import Posteriors

        return Posteriors(threads)
    from descant.evaluation.distances.logmel import LogMel

    return LogMel()
