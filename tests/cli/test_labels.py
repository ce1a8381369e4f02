"""resbench preprocess: labels from tables, folders and names, and what is refused of them."""

from pathlib import Path

import pytest

from image_sets import SMALL, fill, labels_of, make, refused

SYNSETS = {"n01440764": 0, "n01443537": 1, "n01530575": 10, "n15075141": 999}


def test_folders_that_are_synsets_have_imagenets_numbers(resbench):
    fill(
        resbench,
        *(f"train/{synset}/{i}.png" for i, synset in enumerate(reversed(SYNSETS))),
    )
    file, out = make(resbench, "images", *SMALL)
    assert file.attrs["classes"] == 1000 and "synsets of the folders" in out
    assert {Path(n).parent.name: label for n, label in labels_of(file).items()} == SYNSETS


def test_other_folders_are_numbered_in_order_as_torchvision_does(resbench):
    fill(resbench, "a/1.png", "a-b/1.png", "Z/1.png", "n01440764/1.png", "a/2.png")
    file, out = make(resbench, "images", *SMALL)
    order = sorted(["a", "a-b", "Z", "n01440764"])
    assert {Path(n).parts[0]: label for n, label in labels_of(file).items()} == {
        name: i for i, name in enumerate(order)
    }
    assert file.attrs["classes"] == 4 and "order of the folders' names (Z, a, a-b, n0" in out


def test_synsets_in_names(resbench):
    names = {f"{synset}_{i}.JPEG": label for i, (synset, label) in enumerate(SYNSETS.items())}
    names |= {"ILSVRC2012_val_00000293_n01443537.JPEG": 1}
    fill(resbench, *names)
    file, out = make(resbench, "images", *SMALL)
    assert labels_of(file) == names and file.attrs["classes"] == 1000
    assert "synsets in the images' names" in out


def test_a_folder_that_agrees_with_the_names_is_fine(resbench):
    fill(resbench, "n01443537/n01443537_1.JPEG")
    file, _ = make(resbench, "images", *SMALL)
    assert list(file["labels"]) == [1]


def test_a_table_with_header_quotes_and_synsets(resbench):
    root = fill(resbench, "a,b.png", 'c "d".png', "sub/e.png")
    table = '\ufefffile,class\r\n"a,b.png",7\r\n"c ""d"".png", n01530575\r\n./sub/e.png,"999"\r\n'
    (resbench.directory / "truth.csv").write_text(table)
    (root / "labels.csv").write_text("rubbish\n")
    file, out = make(resbench, "images", "--labels", "truth.csv", *SMALL)
    assert labels_of(file) == {"a,b.png": 7, 'c "d".png': 10, "sub/e.png": 999}
    assert file.attrs["classes"] == 1000 and "truth.csv" in out


def test_without_labels(resbench):
    fill(resbench, "a.png", "b.png")
    file, out = make(resbench, "images", *SMALL)
    assert list(file["labels"]) == [-1, -1] and file.attrs["classes"] == 0
    assert "labels: none" in out and "without a label: 2" in out


def test_some_without_labels_must_be_asked_for(resbench):
    root = fill(resbench, "a.png", "b.png")
    (root / "labels.csv").write_text("a.png,3\n")
    assert "b.png: has no label" in refused(resbench, "images", *SMALL)
    file, out = make(resbench, "images", "--unlabelled", "--classes", "5", *SMALL)
    assert list(file["labels"]) == [3, -1] and file.attrs["classes"] == 5
    assert "without a label: 1" in out


@pytest.mark.parametrize(
    "table, named",
    [
        ("a.png,1\nb.png,1\nc.png,1\n", "line 3: there is no image 'c.png'"),
        ("a.png,1\nb.png,1\na.png,1\n", "line 3: a.png has a line already"),
        ("a.png,1\nb.png,one\n", "line 2: a class must be a number or a synset"),
        ("a.png,1\nb.png,-1\n", "line 2: a class must be"),
        ("a.png,1\nb.png,1.5\n", "line 2: a class must be"),
        ("a.png,1\nb.png,n00000000\n", "line 2: a class must be"),
        ("a.png,1\nb.png,99999999999999999999\n", "line 2: a class must be"),
        ("a.png,1\nb.png,1000000\n", "line 2: class 1000000 is not one of"),
        ("a.png,1\nb.png\n", "line 2: file,class was expected"),
        ("a.png;1\n", "line 1: file,class was expected"),
        ("file,class\nfile,class\n", "line 2: there is no image 'file'"),
        ("a.png,1\n", "b.png: has no label"),
        ("", "labels.csv: has no line"),
        ("file,class\n", "labels.csv: has no line"),
        ("a.png,1\nb\xff.png,1\n", "line 2 is not a line of UTF-8"),
        ("x" * 5000, "line 1 is longer"),
    ],
)
def test_bad_tables_are_refused(resbench, table, named):
    root = fill(resbench, "a.png", "b.png")
    (root / "labels.csv").write_text(table, encoding="latin-1")
    sentence = refused(resbench, "images", *SMALL)
    assert named in sentence, sentence


def test_labels_that_contradict_are_refused(resbench):
    root = fill(resbench, "n01440764/n01443537_1.JPEG")
    assert "class 1 by the synset in its name, but of class 0" in refused(resbench, "images")
    (root / "labels.csv").write_text("n01440764/n01443537_1.JPEG,1\n")
    assert "class" in refused(resbench, "images")
    file, _ = make(resbench, "images", "--labels", "images/labels.csv", *SMALL)
    assert list(file["labels"]) == [1]  # a table that was asked for is not questioned
    fill(resbench, "val/n01440764_1.JPEG", "val/n01443537_1.JPEG", folder="other")
    assert "order of the folders" in refused(resbench, "other", *SMALL)
    fill(resbench, "n01440764_n01443537.JPEG", folder="two")
    assert "two classes" in refused(resbench, "two", *SMALL)


def test_folders_within_folders_are_refused(resbench):
    fill(resbench, "train/cat/1.png", "train/dog/1.png")
    assert "more than one folder deep" in refused(resbench, "images", *SMALL)
    fill(resbench, "cat/1.png", "2.png", folder="mixed")
    assert "2.png: has no label" in refused(resbench, "mixed", *SMALL)
