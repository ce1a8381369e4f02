"""Names of foreign state dicts, in torchvision's terms."""

import re

PREFIXES = ("module.", "_orig_mod.", "model.", "net.")  # DataParallel, torch.compile, Lightning
IGNORED = (".num_batches_tracked", "n_averaged")  # counters of batch norm and of AveragedModel

# Hugging Face's microsoft/resnet-*: stages from 0, layers of a block in a list, the last layer in a Sequential.
HUGGING_FACE = (
    (r"(?:resnet\.)?embedder\.embedder\.convolution\.", lambda m: "conv1."),
    (r"(?:resnet\.)?embedder\.embedder\.normalization\.", lambda m: "bn1."),
    (
        r"(?:resnet\.)?encoder\.stages\.(\d{1,2})\.layers\.(\d{1,4})\.layer\.(\d)\.(convolution|normalization)\.",
        lambda m: f"layer{int(m[1]) + 1}.{m[2]}.{'conv' if m[4] == 'convolution' else 'bn'}{int(m[3]) + 1}.",
    ),
    (
        r"(?:resnet\.)?encoder\.stages\.(\d{1,2})\.layers\.(\d{1,4})\.shortcut\.(convolution|normalization)\.",
        lambda m: f"layer{int(m[1]) + 1}.{m[2]}.downsample.{0 if m[3] == 'convolution' else 1}.",
    ),
    (r"classifier\.1\.", lambda m: "fc."),
)
HUGGING_FACE_MARK = re.compile(r"(?:resnet\.)?embedder\.embedder\.convolution\.weight")


def strip_prefixes(names: list[str]) -> tuple[dict[str, str], list[str]]:
    """Each name without the prefixes that all of them carry, and those prefixes."""
    stripped, found = {name: name for name in names}, []
    while names:
        prefix = next(
            (p for p in PREFIXES if all(s.startswith(p) for s in stripped.values())), None
        )
        if prefix is None:
            break
        found.append(prefix)
        stripped = {name: short.removeprefix(prefix) for name, short in stripped.items()}
    return stripped, found


def from_hugging_face(name: str) -> str:
    for pattern, replace in HUGGING_FACE:
        match = re.match(pattern, name)
        if match:
            return replace(match) + name[match.end() :]
    return name


def ours(names: list[str]) -> tuple[dict[str, str], list[str]]:
    """Foreign name -> ours, and notes on what was done. Two names never become one: a clash keeps both."""
    renamed, prefixes = strip_prefixes(names)
    notes = [f"every name begins with {''.join(prefixes)}, which was dropped"] if prefixes else []
    shorts = set(renamed.values())
    if any(HUGGING_FACE_MARK.fullmatch(short) for short in shorts):
        renamed = {name: from_hugging_face(short) for name, short in renamed.items()}
        notes.append("names are those of Hugging Face's transformers")
    elif "linear.weight" in shorts and "fc.weight" not in shorts:
        renamed = {name: re.sub(r"^linear\.", "fc.", short) for name, short in renamed.items()}
        notes.append("the last layer is called linear")
    if len(set(renamed.values())) < len(renamed):
        return {name: name for name in names}, []
    return renamed, notes
