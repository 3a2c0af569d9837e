# Where results stand: every path that several rules name, by what the plan calls the thing.
DATA = "results/sequences/{sequence}/data.npy"
INDEX = "results/sequences/{sequence}/index.parquet"
MODEL = "results/training/{training}/model.safetensors"
METRICS = "results/training/{training}/metrics.csv"
BITS = "results/likelihood/{likelihood}.parquet"
DRAWN = "results/samples/{model}/level{level}.npy"
CANDIDATES = "results/samples/{model}/candidates.npy"
HEARD_CANDIDATES = "results/samples/{model}/candidates"
PRIMED = "results/samples/{model}/prime"
RENDERED = "results/samples/{model}/audio"
MEL2MELS = "results/table/mel2mel.json"
PARTS_TABLE = "results/parts/table.json"
PARTS_AUDIO = "results/parts/audio/{row}"
PARTS_WAVEFORM = "results/parts/waveform"
POPULATION = "results/population/{training}"
GENERATION = "results/population/{training}/generation{generation}"
VOCODED = "results/evaluation/synthesis/{rendering}"
RUNS = "results/runs"


def data_of(sequence):
    """The packed steps of a sequence."""
    return DATA.format(sequence=sequence)


def index_of(sequence):
    """Its index."""
    return INDEX.format(sequence=sequence)


def model_of(training):
    """The model file that a training ends with."""
    return MODEL.format(training=training)


def bits_of(likelihood):
    """The bits that a likelihood measures."""
    return BITS.format(likelihood=likelihood)


def making(path):
    """Where a result is made that takes the place of an earlier one once it is whole, by the rules of keep.smk."""
    return path.replace("results/", "results/making/", 1)
