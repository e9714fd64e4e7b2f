"""Sentences about experts in tensors of their own, the repair of such files, and the joining of raw parts."""

from __future__ import annotations

from app.messages.marking import QT_TRANSLATE_NOOP

REPAIRS: dict[str, str] = {
    "experts_differ": QT_TRANSLATE_NOOP(
        "errors",
        "The experts in {path} differ in type or shape ({tensor}): they cannot be stacked, and no current engine loads "
        "them as they are. Choose another quantisation, or a file made after April 2024.",
    ),
    "experts_missing": QT_TRANSLATE_NOOP(
        "errors",
        "Not all experts of a layer are in {path}: {tensor} is missing. Download the file again, or choose another.",
    ),
    "experts_in_shards": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is one of {count} files of a model made before April 2024, whose experts can only be stacked in a "
        "single file. Merge the files with llama-gguf-split --merge and repair the result, or choose a newer file.",
    ),
    "repair_not_needed": QT_TRANSLATE_NOOP(
        "errors",
        "{path} loads as it is and needs no repair. Use the file itself.",
    ),
    "repair_running": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is being repaired already. Wait until that is done.",
    ),
    "repair_no_room": QT_TRANSLATE_NOOP(
        "errors",
        "There is too little room on the disk to repair {path}: {needed_bytes} are needed and {free_bytes} are free. "
        "Free some space, or repair it into a folder on another drive.",
    ),
    "repair_stopped": QT_TRANSLATE_NOOP(
        "errors",
        "The repair of {path} was stopped halfway. Until it is finished the file is kept as {working} and cannot be "
        "used: start the repair again to go on with it.",
    ),
    "repair_interrupted": QT_TRANSLATE_NOOP(
        "errors",
        "The repair of {path} could not go on ({detail}). Nothing is lost: the file is kept as {working} until the "
        "repair is finished. See to the disk and start the repair again.",
    ),
    "repair_blocked": QT_TRANSLATE_NOOP(
        "errors",
        "There is another file {path} now, so the half-repaired {working} cannot take that name back. Move the other "
        "file away and start the repair again.",
    ),
    "repair_record_lost": QT_TRANSLATE_NOOP(
        "errors",
        "{working} is a half-repaired file, and the record of how far it was is gone. It cannot be finished: delete "
        "it and download the file again.",
    ),
    "not_parts": QT_TRANSLATE_NOOP(
        "errors",
        "{name} is not named like a part of a model file. Choose parts of one file, such as MODEL.gguf.part1of2 and "
        "MODEL.gguf.part2of2.",
    ),
    "parts_twice": QT_TRANSLATE_NOOP(
        "errors",
        "The parts of {name} are not named alike, so their order is not clear: {parts}. Keep one set of them in the "
        "folder.",
    ),
    "parts_missing": QT_TRANSLATE_NOOP(
        "errors",
        "Parts of {name} are missing: {missing}. Put all its parts into one folder and try again.",
    ),
    "parts_in_folders": QT_TRANSLATE_NOOP(
        "errors",
        "The parts of {name} lie in different folders. Put them into one folder and try again.",
    ),
    "parts_are_shards": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is a model file of its own and not a part that can be joined to another. Give it back the name it "
        "was published with, and open the first file of its set.",
    ),
    "parts_do_not_fit": QT_TRANSLATE_NOOP(
        "errors",
        "The parts of {name} do not fit together: they have {bytes}, but the file should have {expected_bytes}. Look "
        "whether a part is missing or from another file, and download it again.",
    ),
    "join_running": QT_TRANSLATE_NOOP(
        "errors",
        "The parts of {path} are being joined already. Wait until that is done.",
    ),
    "join_no_room": QT_TRANSLATE_NOOP(
        "errors",
        "There is too little room on the disk to join the parts of {path}: {needed_bytes} are needed and "
        "{free_bytes} are free. Free some space and start again.",
    ),
    "join_stopped": QT_TRANSLATE_NOOP(
        "errors",
        "Joining the parts of {path} was stopped halfway. Until it is finished the file is kept as {working}: start "
        "it again to go on.",
    ),
    "join_interrupted": QT_TRANSLATE_NOOP(
        "errors",
        "Joining the parts of {path} could not go on ({detail}). Nothing is lost: see to the disk and start it again.",
    ),
    "join_record_lost": QT_TRANSLATE_NOOP(
        "errors",
        "{working} is a half-joined file, and what is left of its parts or of the record about them is gone. It "
        "cannot be finished: download the parts again.",
    ),
}
