"""Error messages about converting files with separate expert tensors, and about joining split parts."""

from __future__ import annotations

from app.translation import QT_TRANSLATE_NOOP

REPAIRS: dict[str, str] = {
    "experts_differ": QT_TRANSLATE_NOOP(
        "errors",
        "The experts in {path} differ in type or shape ({tensor}), so they can't be stacked, and no "
        "current engine loads them in this form. Choose another quantisation, or a file made after "
        "April 2024.",
    ),
    "experts_missing": QT_TRANSLATE_NOOP(
        "errors",
        "{path} doesn't contain all experts of a layer: {tensor} is missing. Download the file again, "
        "or choose another one.",
    ),
    "experts_in_shards": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is one of {count} files of a model made before April 2024. Its experts can only be "
        "stacked in a single file. Merge the files with llama-gguf-split --merge and convert the "
        "result, or choose a newer file.",
    ),
    "repair_not_needed": QT_TRANSLATE_NOOP(
        "errors",
        "{path} doesn't need to be converted. Use it directly.",
    ),
    "repair_running": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is already being converted. Wait until it finishes.",
    ),
    "repair_no_room": QT_TRANSLATE_NOOP(
        "errors",
        "Not enough disk space to convert {path}: {needed_bytes} are needed and {free_bytes} are free. "
        "Free some space, or convert it into a folder on another drive.",
    ),
    "repair_stopped": QT_TRANSLATE_NOOP(
        "errors",
        "The conversion of {path} was interrupted. Until it's finished, the file is kept as {working} "
        "and can't be used. Start the conversion again to continue.",
    ),
    "repair_interrupted": QT_TRANSLATE_NOOP(
        "errors",
        "The conversion of {path} can't continue ({detail}). Nothing is lost: the file is kept as "
        "{working} until the conversion is finished. Check the disk, then start the conversion again.",
    ),
    "repair_blocked": QT_TRANSLATE_NOOP(
        "errors",
        "Another file named {path} now exists, so the partly converted {working} can't be renamed "
        "back. Move the other file, then start the conversion again.",
    ),
    "repair_record_lost": QT_TRANSLATE_NOOP(
        "errors",
        "{working} is a partly converted file, and the record of its progress is missing. The "
        "conversion can't be finished. Delete the file and download it again.",
    ),
    "not_parts": QT_TRANSLATE_NOOP(
        "errors",
        "{name} isn't named like a split part of a model file. Choose parts of the same file, such as "
        "MODEL.gguf.part1of2 and MODEL.gguf.part2of2.",
    ),
    "parts_twice": QT_TRANSLATE_NOOP(
        "errors",
        "The parts of {name} are named inconsistently, so their order is unclear: {parts}. Keep only "
        "one set of parts in the folder.",
    ),
    "parts_missing": QT_TRANSLATE_NOOP(
        "errors",
        "Some parts of {name} are missing: {missing}. Put all its parts in one folder, then try again.",
    ),
    "parts_in_folders": QT_TRANSLATE_NOOP(
        "errors",
        "The parts of {name} are in different folders. Put them in one folder, then try again.",
    ),
    "parts_are_shards": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is a separate model file, not a part that can be joined to others. Restore its "
        "published name, then open the first file of its set.",
    ),
    "parts_do_not_fit": QT_TRANSLATE_NOOP(
        "errors",
        "The parts of {name} don't match: their total size is {bytes}, but the file should be "
        "{expected_bytes}. Check whether a part is missing or belongs to another file, and download "
        "that part again.",
    ),
    "join_running": QT_TRANSLATE_NOOP(
        "errors",
        "The parts of {path} are already being joined. Wait until that finishes.",
    ),
    "join_no_room": QT_TRANSLATE_NOOP(
        "errors",
        "Not enough disk space to join the parts of {path}: {needed_bytes} are needed and {free_bytes} "
        "are free. Free some space, then start again.",
    ),
    "join_stopped": QT_TRANSLATE_NOOP(
        "errors",
        "Joining the parts of {path} was interrupted. Until it's finished, the file is kept as "
        "{working}. Start it again to continue.",
    ),
    "join_interrupted": QT_TRANSLATE_NOOP(
        "errors",
        "Joining the parts of {path} can't continue ({detail}). Nothing is lost. Check the disk, then start it again.",
    ),
    "join_record_lost": QT_TRANSLATE_NOOP(
        "errors",
        "{working} is a partly joined file, and its remaining parts or the record about them are "
        "missing. It can't be finished. Download the parts again.",
    ),
}
