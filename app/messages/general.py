"""Error messages about files, the library, the engine, conversations and attachments."""

from __future__ import annotations

from app.translation import QT_TRANSLATE_NOOP

GENERAL: dict[str, str] = {
    # Files
    "file_missing": QT_TRANSLATE_NOOP(
        "errors", "The file {path} doesn't exist. Check the name, or choose another file."
    ),
    "file_unreadable": QT_TRANSLATE_NOOP(
        "errors", "The file {path} can't be read ({detail}). Check its permissions and its disk."
    ),
    "file_set_aside": QT_TRANSLATE_NOOP(
        "errors", "The file {path} was damaged. It was renamed to {aside}, and the program starts with a new one."
    ),
    "is_a_folder": QT_TRANSLATE_NOOP("errors", "{path} is a folder. Choose the .gguf file in it."),
    "not_a_file": QT_TRANSLATE_NOOP("errors", "{path} isn't a regular file. Choose a .gguf file."),
    "file_changed": QT_TRANSLATE_NOOP(
        "errors", "The file {path} changed while it was being read. Try again when no program is writing to it."
    ),
    "file_not_writable": QT_TRANSLATE_NOOP(
        "errors", "The file {path} can't be written ({detail}). Choose another location."
    ),
    "disk_full": QT_TRANSLATE_NOOP(
        "errors",
        "The disk is full, so {path} couldn't be saved. Free up some space and try again; nothing "
        "saved before is lost.",
    ),
    "not_gguf": QT_TRANSLATE_NOOP(
        "errors", "{path} isn't a GGUF file. Choose a model file that ends in .gguf, or download it again."
    ),
    "gguf_version_unsupported": QT_TRANSLATE_NOOP(
        "errors", "{path} uses GGUF version {version}, which the engine can't read. Get a newer file of this model."
    ),
    "gguf_damaged": QT_TRANSLATE_NOOP(
        "errors", "The model file {path} is damaged ({detail}). Download it again, or choose another file."
    ),
    "gguf_incomplete": QT_TRANSLATE_NOOP(
        "errors",
        "The model file {path} is incomplete: {bytes} of {expected_bytes}. Finish the download, or download it again.",
    ),
    "tensor_type_unsupported": QT_TRANSLATE_NOOP(
        "errors", "{path} uses a quantisation ({type}) that this program doesn't support. Choose another quantisation."
    ),
    "shard_missing": QT_TRANSLATE_NOOP(
        "errors", "A part of the split model is missing: {path}. Put all parts in one folder."
    ),
    "shard_misnamed": QT_TRANSLATE_NOOP(
        "errors",
        "The contents of {path} say it's part {number} of {count}, but its name doesn't match. Restore "
        "its original name.",
    ),
    "experts_in_separate_tensors": QT_TRANSLATE_NOOP(
        "errors",
        "{path} was made before April 2024 and stores each expert in a separate tensor, which current "
        "engines can't load. Convert it in the models dialog or with apus-chat models repair; its "
        "values don't change.",
    ),
    "not_a_chat_model": QT_TRANSLATE_NOOP(
        "errors", "{path} isn't a chat model, but a part of one or an add-on to one. Choose the model file itself."
    ),
    # The library and settings
    "model_unknown": QT_TRANSLATE_NOOP(
        "errors", "There's no model {id} on this computer. Available: {known}. You can also use a path to a .gguf file."
    ),
    "starter_missing": QT_TRANSLATE_NOOP(
        "errors", "The starter model isn't installed. Run python3 start.py once to install it."
    ),
    "starter_stays": QT_TRANSLATE_NOOP("errors", "The starter model is part of the program and can't be removed."),
    "library_busy": QT_TRANSLATE_NOOP(
        "errors", "Another program is using the model library ({path}). Close it and try again."
    ),
    "library_too_new": QT_TRANSLATE_NOOP(
        "errors", "The model library {path} was written by a newer version of APUS Chat. Update this program."
    ),
    # The engine
    "load_refused": QT_TRANSLATE_NOOP(
        "errors", "The engine couldn't load the model file {path}{reason}. Choose another file or a smaller context."
    ),
    "nothing_loaded": QT_TRANSLATE_NOOP("errors", "No model is loaded. Send the message again."),
    "engine_not_startable": QT_TRANSLATE_NOOP(
        "errors",
        "The engine couldn't be started. Run python3 start.py --rebuild; see its log for details.",
    ),
    "engine_died": QT_TRANSLATE_NOOP(
        "errors",
        "The engine stopped unexpectedly while {phase} ({ending}). Anything already written is kept. "
        "Try again; the engine restarts automatically.",
    ),
    "engine_out_of_memory": QT_TRANSLATE_NOOP(
        "errors",
        "The engine stopped unexpectedly while {phase}, most likely because memory ran out ({ending}). "
        "Close other programs, or choose a smaller quantisation or context, and try again.",
    ),
    "engine_decode_failed": QT_TRANSLATE_NOOP(
        "errors", "The engine's computation failed (code {result}). Unload the model and try again."
    ),
    "prompt_too_long": QT_TRANSLATE_NOOP(
        "errors",
        "The conversation has {prompt_tokens} tokens, but the context holds {context}. Shorten the "
        "message, start a new conversation, or choose a larger context in Settings.",
    ),
    "chat_template_failed": QT_TRANSLATE_NOOP(
        "errors", "The model's chat template rejected the conversation ({detail}). Choose another model file."
    ),
    "kv_type_unknown": QT_TRANSLATE_NOOP("errors", "There's no KV cache type {kv_type}. Choose one of {known}."),
    "device_unknown": QT_TRANSLATE_NOOP("errors", "The engine has no device {name}. Choose one of {known}."),
    "tensor_split_length": QT_TRANSLATE_NOOP(
        "errors", "The tensor split has {shares} values for {devices} devices. Enter one value for each device."
    ),
    "rpc_not_in_build": QT_TRANSLATE_NOOP(
        "errors", "This build of the engine doesn't support RPC servers. Run python3 start.py --rebuild."
    ),
    "rpc_server_unreachable": QT_TRANSLATE_NOOP(
        "errors", "The RPC server {server} doesn't respond. Check that it's running and that the address is correct."
    ),
    # Conversations
    "conversation_missing": QT_TRANSLATE_NOOP("errors", "There's no conversation {id}. It may have been deleted."),
    "message_missing": QT_TRANSLATE_NOOP("errors", "There's no message {id}. It may have been deleted."),
    "answer_in_progress": QT_TRANSLATE_NOOP(
        "errors", "An answer is still being written there. Stop it or wait until it finishes, then try again."
    ),
    "database_newer": QT_TRANSLATE_NOOP(
        "errors",
        "The conversations in {path} were written by a newer version of APUS Chat (format {version}, "
        "this version supports up to {known}). Update this program; nothing was changed.",
    ),
    "database_damaged": QT_TRANSLATE_NOOP(
        "errors",
        "The conversation database {path} is damaged ({detail}). Nothing was changed; there are "
        'backups in the "backups" folder next to it.',
    ),
    "database_locked": QT_TRANSLATE_NOOP(
        "errors", "Another program is using the conversation database {path}. Close it and try again."
    ),
    "data_folder_not_writable": QT_TRANSLATE_NOOP(
        "errors", "The data folder isn't writable ({path}). Check its permissions, or choose another folder."
    ),
    "data_disk_failed": QT_TRANSLATE_NOOP(
        "errors",
        "A disk error occurred while using {path} ({detail}). Check the disk; there are backups in the "
        '"backups" folder.',
    ),
    "import_unreadable": QT_TRANSLATE_NOOP(
        "errors", "{path} isn't a JSON export from APUS Chat ({detail}). Choose a file that was exported as JSON."
    ),
    "import_unfit": QT_TRANSLATE_NOOP("errors", "It's damaged or not the right type ({detail}) and was skipped."),
    "import_newer": QT_TRANSLATE_NOOP(
        "errors", "{path} was exported by a newer version of APUS Chat. Update this program, then import it again."
    ),
    "import_conflict": QT_TRANSLATE_NOOP(
        "errors", "It contains a message that belongs to another conversation here and was skipped."
    ),
    "backup_unsound": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is damaged or isn't an APUS Chat database backup ({detail}). Nothing was changed; "
        "choose another backup.",
    ),
    "backup_newer": QT_TRANSLATE_NOOP(
        "errors",
        "The backup {path} was made by a newer version of APUS Chat. Update this program, then restore "
        "the backup; nothing was changed.",
    ),
    "pdf_chinese_face_missing": QT_TRANSLATE_NOOP(
        "errors",
        "The PDF was saved, but fonts for some of its Chinese characters ({characters}) are missing on "
        "this computer. Install Noto Sans CJK SC (package fonts-noto-cjk) and export again.",
    ),
    "pdf_characters_missing": QT_TRANSLATE_NOOP(
        "errors",
        "The PDF was saved, but fonts for some of its characters ({characters}) are missing on this "
        "computer. Install a font for them and export again, or export as HTML.",
    ),
    "export_folder_needed": QT_TRANSLATE_NOOP(
        "errors",
        "Exporting several conversations in this format requires a folder, but {path} is a file. Choose a folder.",
    ),
    # Attachments
    "attachment_too_large": QT_TRANSLATE_NOOP(
        "errors",
        "{name} is {bytes}, but attachments are limited to {limit_bytes}. Attach only the part your question is about.",
    ),
    "attachment_not_text": QT_TRANSLATE_NOOP(
        "errors",
        "{name} can't be attached because it isn't plain text. Save it as text, or copy the passage and paste it here.",
    ),
    "attachment_empty": QT_TRANSLATE_NOOP("errors", "{name} is empty. Choose another file."),
    "attachment_is_a_folder": QT_TRANSLATE_NOOP("errors", "{name} is a folder. Choose text files in it instead."),
    "attachments_too_many": QT_TRANSLATE_NOOP(
        "errors", "A question can have up to {limit} attachments. Remove one first, or combine several into one file."
    ),
}
