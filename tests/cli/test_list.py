from support import engine_path

NETWORKS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet50-v1")


def words(out: str) -> dict:
    return {line.split()[0]: line for line in out.splitlines() if line.startswith("  ")}


def test_networks_and_engines(resbench):
    result = resbench("list")
    assert result.code == 0 and result.err == "", result
    found = words(result.out)
    for name in (*NETWORKS, "reference", "oracle", "onednn"):
        assert name in found
    assert "50 bottleneck blocks" in found["resnet152"]
    assert "float64" in found["oracle"]
    assert "3." in found["onednn"]  # the library's version


def test_engines_that_ask_for_what_is_not_known_are_refused(resbench, tmp_path, monkeypatch):
    says = {
        "dtype": "no valid output_dtype",
        "flags": "flags 0x40, known are 0x3",
        "reserved": "version 1 has no name for",
    }
    for fault in says:
        (tmp_path / f"{fault}.so").symlink_to(engine_path(fault))
    monkeypatch.setenv("RESBENCH_ENGINE_PATH", str(tmp_path))
    found = words(resbench("list").out)
    for fault, sentence in says.items():
        assert "cannot be used" in found[fault] and sentence in found[fault], found[fault]


def test_engines_of_the_search_path_are_listed_and_cannot_harm(resbench, tmp_path, monkeypatch):
    for fault in ("wrong", "abi", "no_symbol"):
        (tmp_path / f"{fault}.so").symlink_to(engine_path(fault))
    (tmp_path / "text.so").write_text("not a shared object\n")
    monkeypatch.setenv("RESBENCH_ENGINE_PATH", str(tmp_path))
    result = resbench("list")
    assert result.code == 0 and result.err == "", result
    found = words(result.out)
    assert "the reference with a fault" in found["wrong"]
    assert "cannot be used" in found["abi"] and "ABI version" in found["abi"]
    assert "cannot be used" in found["no_symbol"] and "rb_engine_get" in found["no_symbol"]
    assert "cannot be used" in found["text"]
    assert "reference" in found
