"""Sentences about files, the library, the engine and conversations."""

from __future__ import annotations

from app.messages.marking import QT_TRANSLATE_NOOP

GENERAL: dict[str, str] = {
    # Files
    "file_missing": QT_TRANSLATE_NOOP("errors", "There is no file {path}. Check the name, or choose another file."),
    "file_unreadable": QT_TRANSLATE_NOOP(
        "errors", "The file {path} cannot be read ({detail}). Check its permissions and the disk it lies on."
    ),
    "is_a_folder": QT_TRANSLATE_NOOP("errors", "{path} is a folder. Choose the .gguf file in it."),
    "not_a_file": QT_TRANSLATE_NOOP("errors", "{path} is not an ordinary file. Choose a .gguf file."),
    "file_changed": QT_TRANSLATE_NOOP(
        "errors", "The file {path} changed while it was read. Try again when nothing writes to it."
    ),
    "file_not_writable": QT_TRANSLATE_NOOP(
        "errors", "The file {path} cannot be written ({detail}). Choose another place for it."
    ),
    "disk_full": QT_TRANSLATE_NOOP(
        "errors",
        "The disk is full, so {path} could not be saved. Free some space and try again; nothing saved before is lost.",
    ),
    "not_gguf": QT_TRANSLATE_NOOP(
        "errors", "{path} is not a GGUF file. Choose a model file that ends in .gguf, or download it again."
    ),
    "gguf_version_unsupported": QT_TRANSLATE_NOOP(
        "errors", "{path} is a GGUF file of version {version}, which the engine cannot read. Get a newer file of it."
    ),
    "gguf_damaged": QT_TRANSLATE_NOOP(
        "errors", "The model file {path} is damaged ({detail}). Download it again, or choose another file."
    ),
    "gguf_incomplete": QT_TRANSLATE_NOOP(
        "errors",
        "The model file {path} is not complete: {bytes} of {expected_bytes} are there. Finish its download, or get it "
        "again.",
    ),
    "tensor_type_unsupported": QT_TRANSLATE_NOOP(
        "errors", "{path} uses a quantisation ({type}) that this program does not know. Choose another quantisation."
    ),
    "shard_missing": QT_TRANSLATE_NOOP(
        "errors", "A part of the split model is missing: {path}. Put all its parts in one folder."
    ),
    "shard_misnamed": QT_TRANSLATE_NOOP(
        "errors",
        "{path} says that it is part {number} of {count}, but its name says otherwise. Give it back its own name.",
    ),
    "experts_in_separate_tensors": QT_TRANSLATE_NOOP(
        "errors",
        "{path} was made before April 2024 and keeps each expert in a tensor of its own, which no current engine "
        "loads. Repair it, in the models dialog or with apus-chat models repair: none of its values changes.",
    ),
    "not_a_chat_model": QT_TRANSLATE_NOOP(
        "errors", "{path} holds no chat model, but a part or an addition for one. Choose the model's own file."
    ),
    # The library and settings
    "model_unknown": QT_TRANSLATE_NOOP(
        "errors", "There is no model {id} on this machine. Known here: {known}. A path to a .gguf file works too."
    ),
    "starter_missing": QT_TRANSLATE_NOOP(
        "errors", "The starter model is not installed. Run python3 start.py once, which installs it."
    ),
    "starter_stays": QT_TRANSLATE_NOOP("errors", "The starter model belongs to the program and stays."),
    "library_busy": QT_TRANSLATE_NOOP(
        "errors", "Another program holds the list of models ({path}). Close it and try again."
    ),
    "library_unwritable": QT_TRANSLATE_NOOP(
        "errors", "The list of models {path} cannot be written ({detail}). Check the permissions of its folder."
    ),
    "library_unreadable": QT_TRANSLATE_NOOP(
        "errors", "The list of models {path} cannot be read ({detail}). Check its permissions."
    ),
    "library_too_new": QT_TRANSLATE_NOOP(
        "errors", "The list of models {path} was written by a newer version of APUS Chat. Update this one."
    ),
    # The engine
    "load_refused": QT_TRANSLATE_NOOP(
        "errors", "The engine refused the model file {path}{reason}. Choose another file, or a smaller context."
    ),
    "nothing_loaded": QT_TRANSLATE_NOOP("errors", "No model is loaded. Send the message again."),
    "engine_not_startable": QT_TRANSLATE_NOOP(
        "errors",
        "The engine could not be started. Run python3 start.py --rebuild; its log tells more.",
    ),
    "engine_died": QT_TRANSLATE_NOOP(
        "errors",
        "The engine ended while {phase} ({ending}). What was there is kept; try again, and the engine starts anew.",
    ),
    "engine_out_of_memory": QT_TRANSLATE_NOOP(
        "errors",
        "The engine ended while {phase}, most likely for want of memory ({ending}). Close other programs, or choose "
        "a smaller quantisation or context, and try again.",
    ),
    "engine_decode_failed": QT_TRANSLATE_NOOP(
        "errors", "The engine could not compute (code {result}). Release the model and try again."
    ),
    "prompt_too_long": QT_TRANSLATE_NOOP(
        "errors",
        "The conversation has {prompt_tokens} tokens, but the context holds {context}. Shorten the message, start a "
        "new conversation, or choose a larger context in the settings.",
    ),
    "chat_template_failed": QT_TRANSLATE_NOOP(
        "errors", "The chat template of this model refused the conversation ({detail}). Choose another model file."
    ),
    "kv_type_unknown": QT_TRANSLATE_NOOP("errors", "There is no KV cache type {kv_type}. Choose one of {known}."),
    "device_unknown": QT_TRANSLATE_NOOP("errors", "The engine has no device {name}. Choose among {known}."),
    "tensor_split_length": QT_TRANSLATE_NOOP(
        "errors", "The tensor split has {shares} shares for {devices} devices. Give one share for each device."
    ),
    "rpc_not_in_build": QT_TRANSLATE_NOOP(
        "errors", "This build of the engine cannot use RPC servers. Run python3 start.py --rebuild."
    ),
    "rpc_server_unreachable": QT_TRANSLATE_NOOP(
        "errors", "The RPC server {server} does not answer. Check that it runs and that the address is right."
    ),
    # Conversations
    "conversation_missing": QT_TRANSLATE_NOOP("errors", "There is no conversation {id}. It may have been deleted."),
    "message_missing": QT_TRANSLATE_NOOP("errors", "There is no message {id}. It may have been deleted."),
    "answer_in_progress": QT_TRANSLATE_NOOP(
        "errors", "An answer is being written there now. Stop it, or wait until it is done, and try again."
    ),
    "database_newer": QT_TRANSLATE_NOOP(
        "errors",
        "The conversations in {path} were written by a newer version of APUS Chat (format {version}, this one knows "
        "{known}). Update this program; nothing was changed.",
    ),
    "database_damaged": QT_TRANSLATE_NOOP(
        "errors",
        "The database of conversations {path} is damaged ({detail}). Nothing was changed; copies lie in the folder "
        "backups beside it.",
    ),
    "database_locked": QT_TRANSLATE_NOOP(
        "errors", "Another program holds the database of conversations {path}. Close it and try again."
    ),
    "data_folder_not_writable": QT_TRANSLATE_NOOP(
        "errors", "The data folder cannot be written ({path}). Check its permissions, or choose another folder."
    ),
    "data_disk_failed": QT_TRANSLATE_NOOP(
        "errors", "The disk failed while {path} was used ({detail}). Check the disk; copies lie in the folder backups."
    ),
    "import_unreadable": QT_TRANSLATE_NOOP(
        "errors", "{path} is not a JSON export of APUS Chat ({detail}). Choose a file that was exported as JSON."
    ),
    "import_unfit": QT_TRANSLATE_NOOP("errors", "It is damaged or of another kind ({detail}), and was left out."),
    "import_newer": QT_TRANSLATE_NOOP(
        "errors", "{path} was exported by a newer version of APUS Chat. Update this one, then import it again."
    ),
    "import_conflict": QT_TRANSLATE_NOOP(
        "errors", "It holds a message that belongs to another conversation here, and was left out."
    ),
    "backup_unsound": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is damaged or no copy of a database of APUS Chat ({detail}). Nothing was changed; choose another copy.",
    ),
    "backup_newer": QT_TRANSLATE_NOOP(
        "errors",
        "The copy {path} was made by a newer version of APUS Chat. Update this one, then restore it; nothing was "
        "changed.",
    ),
    "file_not_readable": QT_TRANSLATE_NOOP(
        "errors", "The file {path} cannot be read ({detail}). Check its permissions."
    ),
    "export_format_unknown": QT_TRANSLATE_NOOP("errors", "There is no export format {format}. Choose among {known}."),
    "pdf_chinese_face_missing": QT_TRANSLATE_NOOP(
        "errors",
        "The PDF is written, but no font of this machine has some of its Chinese characters ({characters}). Install "
        "Noto Sans CJK SC (package fonts-noto-cjk) and export again.",
    ),
    "pdf_characters_missing": QT_TRANSLATE_NOOP(
        "errors",
        "The PDF is written, but no font of this machine has some of its characters ({characters}). Install a font "
        "for them and export again, or export as HTML.",
    ),
    "export_folder_needed": QT_TRANSLATE_NOOP(
        "errors", "Several conversations in this format need a folder, and {path} is a file. Choose a folder."
    ),
}
