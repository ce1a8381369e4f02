import json
import re

import pytest

# torchvision's ResNets at 224x224 (and He et al.'s stride placement, v1): parameters, GMACs
TOTALS = {
    "resnet18": (11_689_512, "1.814"),
    "resnet34": (21_797_672, "3.664"),
    "resnet50": (25_557_032, "4.089"),
    "resnet101": (44_549_160, "7.801"),
    "resnet152": (60_192_808, "11.514"),
    "resnet50-v1": (25_557_032, "3.858"),
    "resnet101-v1": (44_549_160, "7.570"),
    "resnet152-v1": (60_192_808, "11.282"),
}


def describe_json(resbench, *arguments) -> dict:
    result = resbench("describe", *arguments, "--json")
    assert result.code == 0 and result.err == "", result
    return json.loads(result.out)


@pytest.mark.parametrize("network", TOTALS)
def test_totals(resbench, network):
    parameters, gmacs = TOTALS[network]
    result = resbench("describe", network)
    assert result.code == 0 and result.err == "", result
    assert f"parameters {parameters};" in result.out
    assert f"GMACs {gmacs} " in result.out

    told = describe_json(resbench, network)
    assert told["network"] == network
    assert told["parameters"] == parameters
    assert f"{told['macs'] * 1e-9:.3f}" == gmacs


def test_table_and_json_agree(resbench):
    out = resbench("describe", "resnet50", "--batch", "2").out
    told = describe_json(resbench, "resnet50", "--batch", "2")
    assert "input (2,3,224,224) to scores (2,1000)" in out
    assert told["input"] == [2, 3, 224, 224] and told["output"] == [2, 1000]
    assert f"at least {told['activation_bound_bytes']} bytes" in out
    assert f"{told['weight_bytes']} bytes" in out

    lines = [line.split() for line in out.splitlines() if re.search(r" \dx\d ", line)]
    rows = {words[0]: words for words in lines}
    assert list(rows) == [node["name"] for node in told["nodes"]]
    for node in told["nodes"]:
        row = rows[node["name"]]
        shape = node["output"][:2] if node["type"] == "fc" else node["output"]
        assert row[1] == node["type"]
        assert row[2] == f"({','.join(map(str, node['input']))})"
        assert row[3] == f"({','.join(map(str, shape))})"
        assert int(row[6]) == node["parameters"]
        assert float(row[7]) == pytest.approx(node["macs"] * 1e-6, abs=0.005)
        assert int(row[8]) == node["activation_bytes"]


def test_nodes_add_up(resbench):
    told = describe_json(resbench, "resnet152")
    for key in ("parameters", "macs"):
        assert sum(node[key] for node in told["nodes"]) == told[key]
    layers = [node for node in told["nodes"] if node["type"].startswith(("conv", "fc"))]
    assert len(layers) == 156
    largest = max(node["activation_bytes"] for node in told["nodes"])
    assert told["activation_bound_bytes"] > largest


def test_batch_multiplies_work_but_not_parameters(resbench):
    one, eight = (describe_json(resbench, "resnet34", "--batch", n) for n in (1, 8))
    assert eight["parameters"] == one["parameters"]
    assert eight["weight_bytes"] == one["weight_bytes"]
    assert eight["macs"] == 8 * one["macs"]
    assert eight["activation_bound_bytes"] == 8 * one["activation_bound_bytes"]


def test_size_need_not_be_square(resbench):
    told = describe_json(resbench, "resnet18", "--size", "64x96")
    assert told["input"] == [1, 3, 64, 96]
    stem = told["nodes"][0]
    assert stem["output"] == [1, 64, 32, 48]
    assert stem["macs"] == 64 * 32 * 48 * 3 * 7 * 7
    assert told["nodes"][-2]["kernel"] == [2, 3]  # what is left for the average pool


def test_classes(resbench):
    thousand, ten = (describe_json(resbench, "resnet50", "--classes", n) for n in (1000, 10))
    assert ten["output"] == [1, 10]
    assert thousand["parameters"] - ten["parameters"] == 990 * (2048 + 1)
    assert thousand["macs"] - ten["macs"] == 990 * 2048


def test_nodes_name_their_values_and_tensors(resbench):
    told = describe_json(resbench, "resnet50", "--conv-bias")
    nodes = {node["name"]: node for node in told["nodes"]}
    assert nodes["conv1"]["source"] == "input" and nodes["conv1"]["add"] is None
    last = nodes["layer2.0.conv3"]
    assert last["source"] == "layer2.0.conv2" and last["add"] == "layer2.0.downsample.0"
    assert last["relu"] is True and nodes["layer2.0.downsample.0"]["relu"] is False
    assert nodes["layer2.1.conv3"]["add"] == "layer2.0.conv3"
    assert last["tensors"] == {
        "weight": "layer2.0.conv3.weight",
        "bias": "layer2.0.conv3.bias",
        "bn_weight": "layer2.0.bn3.weight",
        "bn_bias": "layer2.0.bn3.bias",
        "bn_mean": "layer2.0.bn3.running_mean",
        "bn_var": "layer2.0.bn3.running_var",
    }
    used = [name for node in told["nodes"] for name in node["tensors"].values()]
    assert sorted(used) == sorted(tensor["name"] for tensor in told["tensors"])
