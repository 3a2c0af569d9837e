"""Embeds a set of excerpts, and takes what was embedded before from a cache.

The key is what the audio is, not where it came from: sha256 of the samples and the rate, the embedding and its
version.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from descant.corpus.outputs import whole_file
from descant.errors import ResultError
from descant.evaluation.distances.kinds import Embedding, Kind
from descant.evaluation.material import Excerpt
from descant.parquet import read_own

SCHEMA = pa.schema(
    {
        "embedding": pa.string(),
        "version": pa.string(),
        "group": pa.string(),
        "start": pa.float64(),
        "sha256": pa.string(),
        "vector": pa.list_(pa.float32()),
    }
)
COLUMNS = list(SCHEMA.names)
CACHED = pa.schema([SCHEMA.field(name) for name in COLUMNS if name not in ("group", "start")])
# excerpts between savings of the cache: a minute's work or two
SAVE_EVERY = 200
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True)
class EmbeddedSet:
    """The vectors of a set of excerpts, those of a group side by side.

    Attributes:
        values: float64 ``(excerpts, dimensions)``.
        groups: of each excerpt, in runs of equals.
        starts: seconds of each excerpt into its group.
    """

    values: npt.NDArray[np.float64]
    groups: Sequence[str]
    starts: Sequence[float]

    @property
    def names(self) -> list[str]:
        """The groups, each once, in their order."""
        return list(dict.fromkeys(self.groups))

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Where each group begins ``(groups,)``."""
        return np.array([n for n, name in enumerate(self.groups) if n == 0 or name != self.groups[n - 1]], np.int64)


@dataclass
class Cache:
    """Vectors by (embedding, version, sha256), in a file that is replaced whole.

    Attributes:
        path: Parquet; a missing or unreadable one is an empty cache.
        vectors: what it holds.
    """

    path: Path
    vectors: dict[tuple[str, str, str], Vector] = field(default_factory=dict)

    def read(self) -> None:
        """Take what the file holds."""
        try:
            table = read_own(self.path, CACHED)
        except ResultError:
            # none yet, or torn by a full disk: all is embedded again
            return
        for embedding, version, digest, vector in table.to_pandas().itertuples(index=False, name=None):
            self.vectors[embedding, version, digest] = np.asarray(vector, dtype=np.float32)

    def write(self) -> None:
        """Write the file beside its place, then rename it."""
        rows = [(*key, vector) for key, vector in self.vectors.items()]
        write_set(pd.DataFrame(rows, columns=list(CACHED.names)), self.path)


def hash_audio(audio: npt.NDArray[np.float32], sample_rate: int) -> str:
    """The sha256 of samples and their rate."""
    return hashlib.sha256(f"{sample_rate} ".encode() + np.ascontiguousarray(audio, dtype="<f4").tobytes()).hexdigest()


def embed_set(
    excerpts: Iterable[Excerpt], embeddings: Mapping[Kind, Embedding], sample_rate: int, cache: Cache
) -> tuple[pd.DataFrame, int]:
    """Embed excerpts one by one: what comes out does not depend on what lay in the cache.

    Args:
        excerpts: of one set; read once, never all in memory.
        embeddings: opened ones by their kind.
        sample_rate: Hz.
        cache: of what was embedded before; afterwards it holds this set's vectors and no others.

    Returns:
        A row an embedding and excerpt, with ``COLUMNS``; and how many vectors were computed.
    """
    rows, used, computed = [], {}, 0
    for excerpt in tqdm(excerpts, disable=None, unit="excerpt"):
        digest = hash_audio(excerpt.audio, sample_rate)
        for kind, embedding in embeddings.items():
            key = kind.name, embedding.version, digest
            if key not in cache.vectors:
                cache.vectors[key] = embedding.embed(excerpt.audio, sample_rate)
                computed += 1
                if computed % SAVE_EVERY == 0:
                    cache.write()
            used[key] = cache.vectors[key]
            rows.append((kind.name, embedding.version, excerpt.group, excerpt.start, digest, used[key]))
    if computed or len(used) < len(cache.vectors):
        cache.vectors = used
        cache.write()
    return pd.DataFrame(rows, columns=COLUMNS), computed


def write_set(table: pd.DataFrame, path: Path) -> None:
    """Write the table of :func:`embed_set` as Parquet, beside its place and renamed."""
    with whole_file(path) as temporary:
        table.to_parquet(temporary, index=False)


def read_set(path: Path, kind: Kind) -> EmbeddedSet:
    """Read the vectors of one embedding.

    Raises:
        ResultError: when the file cannot be read.
    """
    table = read_own(path, SCHEMA).to_pandas()
    table = table[table["embedding"] == kind.name].sort_values(["group", "start"], kind="stable")
    values = np.array([np.asarray(vector) for vector in table["vector"]], dtype=np.float64)
    return EmbeddedSet(values.reshape(len(table), kind.dimensions), list(table["group"]), list(table["start"]))
