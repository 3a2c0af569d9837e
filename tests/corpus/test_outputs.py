from pathlib import Path

import pytest

from descant.corpus.outputs import whole_file, whole_folder


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    for content in ("old", "new"):
        with whole_file(file) as temporary:
            temporary.write_text(content)
        with whole_folder(folder) as made:
            (made / content).write_text(content)
    assert file.read_text() == "new" and [path.name for path in folder.iterdir()] == ["new"]
    with pytest.raises(KeyError), whole_file(file) as temporary:
        temporary.write_text("half")
        raise KeyError
    with pytest.raises(KeyError), whole_folder(folder) as made:
        (made / "half").write_text("half")
        raise KeyError
    assert file.read_text() == "new" and [path.name for path in folder.iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
