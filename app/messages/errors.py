"""Error messages in English by ``UserError`` code."""

from __future__ import annotations

from app.translation import QT_TR_NOOP

SENTENCES: dict[str, str] = {
    # Files
    "file_missing": QT_TR_NOOP("The file {path} doesn't exist. Check the name, or choose another file."),
    "file_unreadable": QT_TR_NOOP("The file {path} can't be read ({detail}). Check its permissions and its disk."),
    "file_set_aside": QT_TR_NOOP(
        "The file {path} was damaged. It was renamed to {aside}, and the program starts with a new one."
    ),
    "settings_invalid": QT_TR_NOOP(
        "The file {path} has invalid values ({names}). They stay in the file, and the defaults apply until you change"
        " them."
    ),
    "is_a_folder": QT_TR_NOOP("{path} is a folder. Choose the .gguf file in it."),
    "not_a_file": QT_TR_NOOP("{path} isn't a regular file. Choose another file."),
    "file_changed": QT_TR_NOOP(
        "The file {path} changed while it was being read. Try again when no program is writing to it."
    ),
    "file_not_writable": QT_TR_NOOP("The file {path} can't be written ({detail}). Choose another location."),
    "disk_full": QT_TR_NOOP(
        "The disk is full, so {path} couldn't be saved. Free up some space and try again; nothing saved before is lost."
    ),
    "not_gguf": QT_TR_NOOP("{path} isn't a GGUF file. Choose a model file that ends in .gguf, or download it again."),
    "gguf_version_unsupported": QT_TR_NOOP(
        "{path} uses GGUF version {version}, which the engine can't read. Get a newer file of this model."
    ),
    "gguf_damaged": QT_TR_NOOP(
        "The model file {path} is damaged ({detail}). Download it again, or choose another file."
    ),
    "gguf_incomplete": QT_TR_NOOP(
        "The model file {path} is incomplete: {bytes} of {expected_bytes}. Finish the download, or download it again."
    ),
    "tensor_type_unsupported": QT_TR_NOOP(
        "{path} uses a quantisation ({type}) that this program doesn't support. Choose another quantisation."
    ),
    "shard_missing": QT_TR_NOOP("A part of the split model is missing: {path}. Put all parts in one folder."),
    "shard_misnamed": QT_TR_NOOP(
        "The contents of {path} say it's part {number} of {count}, but its name doesn't match. Restore "
        "its original name."
    ),
    "experts_in_separate_tensors": QT_TR_NOOP(
        "{path} was made before April 2024 and stores each expert in a separate tensor, which current "
        "engines can't load. Convert it in the models dialog or with apus-chat models repair; its "
        "values don't change."
    ),
    "not_a_chat_model": QT_TR_NOOP(
        "{path} isn't a chat model, but a part of one, an add-on to one, or a model of another kind. Choose a chat "
        "model."
    ),
    "embedding_model": QT_TR_NOOP(
        "{path} is an embedding model: it compares texts and can't answer. Choose a chat model. Other programs can use "
        "this one through the local server."
    ),
    # The library and settings
    "model_unknown": QT_TR_NOOP(
        "There's no model {id} on this computer. Available: {known}. You can also use a path to a .gguf file."
    ),
    "starter_missing": QT_TR_NOOP("The starter model isn't installed. Run python3 start.py once to install it."),
    "starter_stays": QT_TR_NOOP("The starter model is part of the program and can't be removed."),
    "library_busy": QT_TR_NOOP("Another program is using the model library ({path}). Close it and try again."),
    "library_too_new": QT_TR_NOOP(
        "The model library {path} was written by a newer version of APUS Chat. Update this program."
    ),
    # The engine
    "load_refused": QT_TR_NOOP(
        "The engine couldn't load the model file {path}{reason}. Choose another file or a smaller context."
    ),
    # Pictures for local models
    "pictures_not_in_build": QT_TR_NOOP(
        "This engine was built without its part that reads pictures. Run python3 start.py --rebuild, or remove the "
        "pictures from the question."
    ),
    "projector_refused": QT_TR_NOOP(
        "The engine couldn't load {path}, with which the model reads pictures. Download the file again, or remove the "
        "pictures from the question."
    ),
    "not_a_projector": QT_TR_NOOP(
        "{path} isn't the part of a model that reads pictures. Choose the file of the model whose name contains mmproj."
    ),
    "projector_unsupported": QT_TR_NOOP("Pictures can't be read with {path}: its kind, {kind}, isn't supported yet."),
    "projector_of_other_model": QT_TR_NOOP(
        "{path} reads pictures for another model than {model}: their widths differ. Choose the file that was published "
        "with the model."
    ),
    "picture_refused": QT_TR_NOOP("The model can't read {name}. Attach a picture of another size or format."),
    "picture_needs_larger_batch": QT_TR_NOOP(
        "The model reads {name} as {tokens} tokens at once, but its micro-batch has {limit}. Choose a larger "
        "micro-batch in the memory layout."
    ),
    "nothing_loaded": QT_TR_NOOP("No model is loaded. Send the message again."),
    "engine_not_startable": QT_TR_NOOP(
        "The engine couldn't be started. Run python3 start.py --rebuild; see its log for details."
    ),
    "engine_died": QT_TR_NOOP(
        "The engine stopped unexpectedly while {phase} ({ending}). Anything already written is kept. "
        "Try again; the engine restarts automatically."
    ),
    "engine_out_of_memory": QT_TR_NOOP(
        "The engine stopped unexpectedly while {phase}, most likely because memory ran out ({ending}). "
        "Close other programs, or choose a smaller quantisation or context, and try again."
    ),
    "engine_cannot_run": QT_TR_NOOP(
        "The engine can't run this model: it stopped while {phase} ({assertion}). The file may be damaged, or of a "
        "kind that this version can't run. Choose another model file."
    ),
    "engine_decode_failed": QT_TR_NOOP(
        "The engine's computation failed (code {result}). Unload the model and try again."
    ),
    "prompt_too_long": QT_TR_NOOP(
        "The conversation has {prompt_tokens} tokens, but the context holds {context}. Shorten the "
        "message, start a new conversation, or choose a larger context in Settings."
    ),
    "chat_template_failed": QT_TR_NOOP(
        "The model's chat template rejected the conversation ({detail}). Choose another model file."
    ),
    "kv_type_unknown": QT_TR_NOOP("There's no KV cache type {kv_type}. Choose one of {known}."),
    "device_unknown": QT_TR_NOOP("The engine has no device {name}. Choose one of {known}."),
    "tensor_split_length": QT_TR_NOOP(
        "The tensor split has {shares} values for {devices} devices. Enter one value for each device."
    ),
    "rpc_not_in_build": QT_TR_NOOP(
        "This build of the engine doesn't support RPC servers. Run python3 start.py --rebuild."
    ),
    "rpc_server_unreachable": QT_TR_NOOP(
        "The RPC server {server} doesn't respond. Check that it's running and that the address is correct."
    ),
    # Conversations
    "conversation_folder_missing": QT_TR_NOOP("There's no folder {id}. It may have been deleted."),
    "folder_nested": QT_TR_NOOP("Folders can only be nested one level deep."),
    "conversation_missing": QT_TR_NOOP("There's no conversation {id}. It may have been deleted."),
    "message_missing": QT_TR_NOOP("There's no message {id}. It may have been deleted."),
    "answer_in_progress": QT_TR_NOOP(
        "An answer isn't finished yet. Stop it or wait until it finishes, then try again."
    ),
    "window_library_missing": QT_TR_NOOP(
        "The window can't be opened because the library {library} is missing. Install what a window needs: "
        "libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxkbcommon-x11-0 on Debian "
        "and Ubuntu; xcb-util-cursor xcb-util-wm xcb-util-image xcb-util-keysyms xcb-util-renderutil libxkbcommon-x11 "
        "on Fedora and Arch."
    ),
    "no_display": QT_TR_NOOP(
        'The window can\'t be opened because no display is available ({detail}). "apus-chat --help" lists the commands '
        "that need none."
    ),
    "database_newer": QT_TR_NOOP(
        "The conversations in {path} were written by a newer version of APUS Chat (format {version}, "
        "this version supports up to {known}). Update this program; nothing was changed."
    ),
    "database_damaged": QT_TR_NOOP(
        "The conversation database {path} is damaged ({detail}). Nothing was changed. To recover its messages or "
        'replace it by a backup, open the window, or run "apus-chat conversations restore" with a file from the '
        '"backups" folder next to it.'
    ),
    "nothing_salvaged": QT_TR_NOOP("No message in the damaged conversation database {path} can be read."),
    "database_missing": QT_TR_NOOP(
        "The conversation database {path} is missing or empty, but there are backups. To use one, open the window, or "
        'run "apus-chat conversations restore" with a file from the "backups" folder next to it.'
    ),
    "database_locked": QT_TR_NOOP("Another program is using the conversation database {path}. Close it and try again."),
    "data_folder_not_writable": QT_TR_NOOP(
        "The data folder isn't writable ({path}). Check its permissions, or choose another folder."
    ),
    "data_disk_failed": QT_TR_NOOP(
        "A disk error occurred while using {path} ({detail}). Check the disk; there are backups in the "
        '"backups" folder.'
    ),
    "import_unreadable": QT_TR_NOOP(
        "No conversations were found in {path} ({detail}). Choose an export of APUS Chat, ChatGPT or another supported "
        "program."
    ),
    "import_unfit": QT_TR_NOOP("It's damaged or not the right type ({detail}) and was skipped."),
    "import_layout": QT_TR_NOOP(
        "The layout of this export isn't known. It may be newer than this program: update APUS Chat, then import it "
        "again."
    ),
    "import_cherry_browser": QT_TR_NOOP(
        "Only Cherry Studio 1 can read this backup. Update Cherry Studio to version 2, make a new backup in its data "
        "settings and import that."
    ),
    "import_empty": QT_TR_NOOP("It contains no text and was skipped."),
    "import_archive_damaged": QT_TR_NOOP(
        "The archive is damaged or incomplete ({detail}). Download or export it again."
    ),
    "import_encrypted": QT_TR_NOOP("The archive is encrypted. Unpack it first, then import the folder."),
    "import_bomb": QT_TR_NOOP("Skipped: {bytes} after unpacking is more than an export contains."),
    "import_too_many_files": QT_TR_NOOP("{path} contains more than {count} files. Choose the folder with the export."),
    "import_newer": QT_TR_NOOP(
        "{path} was exported by a newer version of APUS Chat. Update this program, then import it again."
    ),
    "import_conflict": QT_TR_NOOP("Skipped: one of its messages already belongs to another conversation."),
    "backup_unsound": QT_TR_NOOP(
        "{path} is damaged or isn't an APUS Chat database backup ({detail}). Nothing was changed; "
        "choose another backup."
    ),
    "backup_newer": QT_TR_NOOP(
        "The backup {path} was made by a newer version of APUS Chat. Update this program, then restore "
        "the backup; nothing was changed."
    ),
    "pdf_chinese_face_missing": QT_TR_NOOP(
        "The PDF was saved, but fonts for some of its Chinese characters ({characters}) are missing on "
        "this computer. Install Noto Sans CJK SC (package fonts-noto-cjk) and export again."
    ),
    "pdf_characters_missing": QT_TR_NOOP(
        "The PDF was saved, but fonts for some of its characters ({characters}) are missing on this "
        "computer. Install a font for them and export again, or export as HTML."
    ),
    "export_folder_needed": QT_TR_NOOP(
        "Exporting several conversations in this format requires a folder, but {path} is a file. Choose a folder."
    ),
    # Attachments
    "attachment_too_large": QT_TR_NOOP(
        "{name} is {bytes}, but attachments are limited to {limit_bytes}. Attach only the part your question is about."
    ),
    "attachment_not_text": QT_TR_NOOP(
        "{name} can't be attached because its content is neither a text nor a document. Save it as PDF, DOCX, XLSX "
        "or text, or copy the passage and paste it here."
    ),
    "attachment_empty": QT_TR_NOOP("{name} is empty. Choose another file."),
    "attachment_scan": QT_TR_NOOP(
        "{name} contains only pictures and no text. Run text recognition (OCR) on it first, and attach the result."
    ),
    "attachment_encrypted": QT_TR_NOOP("{name} is protected by a password. Save a copy without it, and attach that."),
    "attachment_damaged": QT_TR_NOOP(
        "{name} can't be read: it is damaged, or unpacking it would take too much time or memory. Open it in its own "
        "program and save it again."
    ),
    "attachment_old_format": QT_TR_NOOP(
        "{name} is in an older Office format. Save it as DOCX, PPTX or PDF, and attach that."
    ),
    "attachment_is_a_folder": QT_TR_NOOP("{name} is a folder. Choose files in it instead."),
    "picture_format": QT_TR_NOOP(
        "{name} is a picture in a format that can't be read here. Save it as PNG or JPEG, and attach that."
    ),
    "picture_damaged": QT_TR_NOOP(
        "{name} is damaged and can't be shown. Open it in another program and save it again as PNG or JPEG."
    ),
    "picture_too_large": QT_TR_NOOP(
        "{name} has more pixels than can be read here (100 million). Make it smaller, or attach a part of it."
    ),
    "folder_picture": QT_TR_NOOP(
        "{name} is a picture. The documents of a folder are texts; attach pictures to a question instead."
    ),
    "model_reads_no_pictures": QT_TR_NOOP(
        "{model} doesn't read pictures. Choose a model that does, or remove the pictures from the question."
    ),
    "server_reads_no_pictures": QT_TR_NOOP(
        "{model} on {host} doesn't accept pictures: “{detail}”. Choose a model that reads pictures, or remove them "
        "from the question."
    ),
    "attachments_too_many": QT_TR_NOOP(
        "A question can have up to {limit} attachments. Remove one first, or combine several into one file."
    ),
    # The local server
    "port_in_use": QT_TR_NOOP("Port {port} is in use by another program. Close that program, or choose another port."),
    "address_not_usable": QT_TR_NOOP(
        "The server can't listen on {host}, port {port} ({detail}). Choose another address or port."
    ),
    "network_needs_key": QT_TR_NOOP(
        "On {host} other computers reach the server, so requests need an API key. Set one, or listen on 127.0.0.1."
    ),
    "certificate_replaced": QT_TR_NOOP(
        "The certificate for other computers was damaged, so there is a new one; {aside} is the old one. On the other "
        "computers, enter the API key again: copy it from the settings under Local server."
    ),
    "origin_wrong": QT_TR_NOOP("{text} isn't the origin of a web site. Enter one such as https://example.com."),
    "no_local_model": QT_TR_NOOP("No model on this computer is selected. Select one in the window of APUS Chat."),
    "local_server_stopped": QT_TR_NOOP("The local server was stopped. Start it again, and repeat the request."),
    "request_failed": QT_TR_NOOP("The request failed because of an error in APUS Chat. See the log for details."),
    # Full context
    "context_full": QT_TR_NOOP(
        "The context is full: the conversation and space for an answer need {needed} tokens, but the "
        "context holds {context}. Leave out or summarise the oldest messages, start a new conversation, or "
        "choose a longer context."
    ),
    "summary_empty": QT_TR_NOOP(
        "The context is full, and the model returned no summary of the oldest messages. Try again, leave out the "
        "oldest messages, or start a new conversation."
    ),
    "question_too_long": QT_TR_NOOP(
        "The last question, with its attachments, the system prompt and space for an answer, needs "
        "{needed} tokens, but the context holds {context}. Shorten the question, or choose a longer "
        "context."
    ),
    "pinned_too_long": QT_TR_NOOP(
        "The messages kept in context, the last question and space for an answer need {needed} tokens, but "
        "the context holds {context}. Stop keeping a message in context, or choose a longer context."
    ),
    # Devices
    "gpu_driver_broken": QT_TR_NOOP(
        "A graphics driver made the engine crash or hang while it was looking for devices. Update the "
        "driver. Until then, only the CPU is used."
    ),
    "gpus_need_backend": QT_TR_NOOP(
        "This build of the engine can't use your {gpus}. Run {command} and restart the program."
    ),
    "gpus_need_driver": QT_TR_NOOP("The engine finds no usable driver for your {gpus}. Install or update the driver."),
    "gpus_partly_used": QT_TR_NOOP(
        "The engine detects other GPUs, but not {gpus}. Update the driver, and check that no setting "
        "hides GPUs (such as CUDA_VISIBLE_DEVICES)."
    ),
    "split_mode_unknown": QT_TR_NOOP("There is no split mode {split_mode}. Choose one of these: {known}."),
    "split_mode_not_on_device": QT_TR_NOOP("{device} can't split layers by rows. Set the split mode to “By layer”."),
    "rpc_server_silent": QT_TR_NOOP(
        "The RPC server {server} accepts the connection but doesn't respond. It serves one program at "
        "a time. Close the other program, or unload its model."
    ),
    "rpc_server_foreign": QT_TR_NOOP(
        "{server} isn't an RPC server of this llama.cpp version. Start the one that matches this program's engine."
    ),
    "rpc_server_other_version": QT_TR_NOOP(
        "{server} uses RPC protocol version {theirs}, but this program's engine uses version {ours}. "
        "Start the server from the same llama.cpp version there."
    ),
    "rpc_server_lost": QT_TR_NOOP(
        "The device at {server} disconnected during the operation. Try again to load the model without it."
    ),
    "memory_not_pinned": QT_TR_NOOP("The driver couldn't lock the RAM for copies to the GPU, so prompts take longer."),
    "lend_port_in_use": QT_TR_NOOP("Port {port} is in use by another program. Choose another port."),
    "lend_refused": QT_TR_NOOP("This build of the engine can't limit what it lends. Run python3 start.py --rebuild."),
    "rpc_address_wrong": QT_TR_NOOP("{text} isn't a valid address. Enter HOST:PORT, such as 192.168.1.20:50052."),
    "gpus_pretended_wrong": QT_TR_NOOP(
        "{text} isn't a valid list of simulated GPUs. Enter the free GiB of each GPU, such as 24, or none."
    ),
    # Loads
    "plan_needs_more_ram": QT_TR_NOOP(
        "{path} wasn't loaded because it needs {needed_bytes} of RAM and only {available_bytes} are "
        "free. Close other programs, or choose a smaller quantisation or a shorter context."
    ),
    "plan_wish_too_large": QT_TR_NOOP(
        "{device} needs {lacking_bytes} more memory for the manual settings. Reset to automatic, or place "
        "fewer layers on it."
    ),
    # Rehearsal and bench
    "engine_too_slow": QT_TR_NOOP("The engine was stopped because it was still {phase} after {seconds} s. Try again."),
    "bench_context_too_small": QT_TR_NOOP(
        "The speed test needs a context of {needed} tokens, but only {context} are loaded. Choose a longer context."
    ),
    # Model files
    "web_unreachable": QT_TR_NOOP(
        "Couldn't connect to {host} ({detail}). Check the network and the proxy, or choose another mirror."
    ),
    "file_too_large": QT_TR_NOOP(
        "The drive can't store a file as large as {path}; FAT32 drives are limited to 4 GiB per file. "
        "Choose a folder on another drive."
    ),
    "file_exists": QT_TR_NOOP("The file {path} already exists. Choose another name, or move the file first."),
    "chat_template_too_costly": QT_TR_NOOP(
        "The model's chat template didn't finish within the limits ({seconds} s, {limit_bytes} of "
        "memory). Choose another model file."
    ),
    "hyperparameters_absurd": QT_TR_NOOP(
        "{path} sets {key} = {value}, which no model uses and the engine can't handle. The file is "
        "damaged or malicious; choose another file."
    ),
    "is_web_page": QT_TR_NOOP(
        "{path} contains a web page instead of a model: a sign-in or error page was saved in its "
        "place. Delete it and download the model again."
    ),
    "is_lfs_pointer": QT_TR_NOOP(
        "{path} is only a Git LFS pointer, a file of about a hundred bytes that stands in for the "
        "model. Run git lfs pull in its folder, or download the model again."
    ),
    # Hubs
    "hub_answer_strange": QT_TR_NOOP(
        "The response from {host} didn't come from a hub ({detail}). If this network requires you to "
        "sign in, open any web page in a browser first; otherwise check the address of the mirror."
    ),
    "hub_id_unclear": QT_TR_NOOP("{id} isn't a model on a hub. Use OWNER/REPO:FILE or a catalogue name (apus:Q2_K)."),
    "published_ambiguous": QT_TR_NOOP("Several models in {repository} match. Specify one of {known}."),
    "published_incomplete": QT_TR_NOOP(
        "{name} is incomplete in {repository}: {missing} is missing. Choose another quantisation or another repository."
    ),
    "published_parts_unclear": QT_TR_NOOP(
        "The parts of {name} in {repository} are numbered inconsistently, so their order is unclear. "
        "Choose another quantisation or another repository."
    ),
    "published_file_changed": QT_TR_NOOP(
        "According to {host}, {name} in {repository} is no longer the file that this program expects. "
        "Choose another mirror, or download another model."
    ),
    "secret_stays": QT_TR_NOOP(
        "The system keyring couldn't delete the saved entry ({detail}). Unlock the keyring and try "
        "again, or delete the entry {service} manually."
    ),
    # Embeddings
    "not_an_embedding_model": QT_TR_NOOP("{path} isn't an embedding model. Choose one that compares texts."),
    "text_too_long_to_embed": QT_TR_NOOP(
        "A text has {tokens} tokens, but this embedding model reads {limit}. Divide it into shorter ones."
    ),
    # Structured answers
    "schema_not_json": QT_TR_NOOP("The schema isn't JSON: line {line}, column {column}."),
    "schema_invalid": QT_TR_NOOP("The schema is wrong at {place}: “{keyword}” can't have this value."),
    "schema_unsupported": QT_TR_NOOP("The schema contains “{keyword}” at {place}, which isn't supported. Remove it."),
    "schema_too_large": QT_TR_NOOP(
        "The schema allows too many combinations. Use fewer alternatives, or smaller limits for lengths and counts."
    ),
    "schema_unsatisfiable": QT_TR_NOOP("No value can match the schema. Check what it requires."),
    "grammar_invalid": QT_TR_NOOP("The grammar isn't valid GBNF ({detail}). Correct it and try again."),
    "grammar_too_costly": QT_TR_NOOP(
        "The answer was stopped because its grammar takes too much time. Use one in which alternatives differ earlier."
    ),
    "grammar_on_server": QT_TR_NOOP("Servers don't accept a grammar. Use a JSON schema or a local model."),
    "answer_not_in_format": QT_TR_NOOP(
        "The answer can't be continued in the chosen format, because it begins differently. Try again instead."
    ),
    # The library, its folders, import and deletion
    "model_not_downloaded": QT_TR_NOOP(
        "{id} isn't on this computer yet. Download it first in the models dialog or with apus-chat models download."
    ),
    "model_in_folder": QT_TR_NOOP(
        "{id} is listed because it's in the folder {folder}. Delete the file, or remove the folder from the list."
    ),
    "unfinished_download": QT_TR_NOOP(
        "{path} is an unfinished download. Let the program that started it finish it first."
    ),
    "file_quarantined": QT_TR_NOOP(
        "{path} was quarantined because it doesn't match the published file. Re-download its damaged "
        "parts in the models dialog, or download it again."
    ),
    "not_in_quarantine": QT_TR_NOOP("{path} isn't quarantined. Choose a file whose name ends in .gguf.bad."),
    "file_is_a_link": QT_TR_NOOP("{path} is a link into another program's folder. Manage the file in that program."),
    "file_of_another_program": QT_TR_NOOP(
        "{path} belongs to the program that manages {folder}. Delete it there, or remove the folder from the list."
    ),
    "file_not_deleted": QT_TR_NOOP(
        "Can't delete {path} ({detail}). Close any program that has it open, and try again."
    ),
    "folder_missing": QT_TR_NOOP("The folder {path} doesn't exist. Connect its drive, or choose another folder."),
    "no_models_in_folder": QT_TR_NOOP("No model files found in {path}. Choose a folder that contains .gguf files."),
    # Moving the models folder
    "folders_nested": QT_TR_NOOP(
        "One of the folders {path} and {other} is inside the other. Choose a folder outside it."
    ),
    "move_running": QT_TR_NOOP("Another window or process is moving the models folder. Wait until it finishes."),
    "move_unfinished": QT_TR_NOOP(
        "Moving the models from {path} to {target} isn't finished. Finish or cancel that move first."
    ),
    "models_in_use": QT_TR_NOOP(
        "{path} is being downloaded, converted or joined. Pause it or let it finish, then move the models folder."
    ),
    "original_stays": QT_TR_NOOP(
        "Everything was moved, but {path} in the old folder can't be deleted ({detail}). Close any "
        "program that has it open, then move to the same folder again."
    ),
    "copy_differs": QT_TR_NOOP(
        "The data read back from {path} doesn't match what was written. Nothing was moved. Check the "
        "disk, or choose another one."
    ),
    # Magnet links
    "torrent_not_installed": QT_TR_NOOP(
        "Magnet links require libtorrent, which isn't installed. Run {command} in a terminal, then try again."
    ),
    "magnet_not_understood": QT_TR_NOOP(
        "The magnet link isn't valid ({detail}). Copy the whole link again, starting with magnet:."
    ),
    "torrent_without_model": QT_TR_NOOP("The magnet link ({name}) contains no GGUF model. Find another link."),
    "torrent_holds_several": QT_TR_NOOP(
        "The magnet link contains several models. To choose one, add & and one of these to the end of "
        "the link: {known}."
    ),
    "torrent_no_peers": QT_TR_NOOP(
        "No peer with the remaining files can be reached ({peers} connected). Keep the download "
        "running, or download the model from a hub."
    ),
    "torrent_failed": QT_TR_NOOP(
        "The magnet link download failed ({detail}). Start it again to continue from the data you already have."
    ),
    # Downloads
    "connection_lost": QT_TR_NOOP(
        "The connection to {host} was lost ({detail}). Check the network, or choose another mirror."
    ),
    "web_silent": QT_TR_NOOP(
        "{host} hasn't sent any data for {seconds} s. Check the network, or choose another mirror."
    ),
    "web_busy": QT_TR_NOOP(
        "{host} isn't accepting requests right now (status {status}). Wait a moment, or choose another mirror."
    ),
    "web_failing": QT_TR_NOOP(
        "{host} reported a server error (status {status}). Try again later, or choose another mirror."
    ),
    "web_refused": QT_TR_NOOP(
        "{host} refused the request (status {status}). Choose another mirror, or check the access token."
    ),
    "web_answer_wrong": QT_TR_NOOP(
        "{host} sent an unexpected response ({detail}). A proxy may be interfering. Choose another "
        "mirror or another proxy."
    ),
    "web_address_invalid": QT_TR_NOOP("{url} isn't a valid address. Check the hub address in the settings."),
    "redirect_loop": QT_TR_NOOP("{host} redirects in a loop. Choose another mirror, or try again later."),
    "link_ended": QT_TR_NOOP(
        "The download link from {host} has expired (status {status}). Getting a new one; no action is needed."
    ),
    "captive_portal": QT_TR_NOOP(
        "{host} sent a web page instead of the file. If this network requires you to sign in, open any "
        "page in a browser first. Otherwise, choose another mirror."
    ),
    "tls_failed": QT_TR_NOOP(
        "The certificate of {host} isn't trusted ({detail}). Check the system clock, and whether this "
        "network requires you to sign in or inspects traffic, or choose another mirror."
    ),
    "proxy_failed": QT_TR_NOOP("The proxy {proxy} blocks the connection ({detail}). Check the proxy in the settings."),
    "gated_without_token": QT_TR_NOOP(
        "{repository} is available only to people who have accepted its terms. Accept them on {host}, "
        "then enter an access token for your account in the settings."
    ),
    "gated_refused": QT_TR_NOOP(
        "The access token in the settings has no access to {repository}. Accept the model's terms on "
        "{host} with the same account, or enter another access token."
    ),
    "token_refused": QT_TR_NOOP(
        "{host} doesn't recognise the access token in the settings. Enter a new one, or remove it."
    ),
    "repository_missing": QT_TR_NOOP(
        "{host} has no repository {repository}, or requires an access token to show it. Check the name, or choose "
        "another mirror."
    ),
    "revision_missing": QT_TR_NOOP("{host} has no version {revision} of {repository}. Choose another mirror."),
    "published_file_missing": QT_TR_NOOP(
        "{host} has no file {name} in {repository}. Choose another mirror, or search for the model again."
    ),
    "published_size_differs": QT_TR_NOOP(
        "The file on {host} is {bytes}, but the published size is {expected_bytes}. Choose another "
        "mirror, or search for the model again."
    ),
    "published_shorter": QT_TR_NOOP(
        "The published {name} is {bytes}, but its header requires {expected_bytes}: part of it is "
        "missing. Choose another repository."
    ),
    "lfs_pointer_instead": QT_TR_NOOP(
        "The file published as {name} is only a Git LFS pointer, not the model. Choose another mirror "
        "or another repository."
    ),
    "web_page_instead": QT_TR_NOOP(
        "The file published as {name} is a web page, not a model. Choose another mirror or another repository."
    ),
    "name_not_allowed": QT_TR_NOOP(
        "The hub uses the file name {name}, which isn't safe for a model file. Choose another repository."
    ),
    "download_busy": QT_TR_NOOP("Another window or process is downloading {path}. Wait until it finishes."),
    "download_damaged": QT_TR_NOOP(
        "The downloaded {name} doesn't match the published file and was quarantined as {path}. "
        "Re-download the damaged parts, preferably from another mirror."
    ),
    "file_in_the_way": QT_TR_NOOP("Another file named {path} already exists. Move or delete it, then download again."),
    "partial_of_another_file": QT_TR_NOOP(
        "{path} contains {bytes} of an older version of this model; the rest of that version is no "
        "longer available. Cancel that download, which deletes this data, and start over."
    ),
    "origin_unknown": QT_TR_NOOP(
        "The origin of {path} is unknown, so its damaged parts can't be re-downloaded. Download the whole file again."
    ),
    "disk_too_small": QT_TR_NOOP(
        "{path} has {free_bytes} free, but {needed_bytes} are needed. Free some space, or move the "
        "models folder to another drive."
    ),
    "disk_full_while_downloading": QT_TR_NOOP(
        "The disk is full, so {path} can't be written. Free some space and resume. The data downloaded so far is kept."
    ),
    "disk_failed": QT_TR_NOOP(
        "The disk reported an error at {path} ({detail}). Check the drive, or choose another models folder."
    ),
    # Command line
    "parts_to_be_joined": QT_TR_NOOP(
        "{path} is one of {count} split parts of a model. Join them first, in the models dialog or "
        "with apus-chat models repair."
    ),
    "file_not_published": QT_TR_NOOP(
        "{path} is damaged or isn't the published file {published}. Re-download the damaged parts with "
        "apus-chat models verify --redownload, or download the whole file again."
    ),
    "deletion_unconfirmed": QT_TR_NOOP(
        "Nothing was deleted. {path} takes up {bytes}. To delete it permanently, add --delete --yes."
    ),
    # Settings
    "address_not_understood": QT_TR_NOOP(
        "{address} isn't a valid endpoint address. It must start with https:// and include a host name."
    ),
    "proxy_not_understood": QT_TR_NOOP(
        "{address} isn't a valid proxy address. Use the form http://HOST:PORT or socks5://HOST:PORT."
    ),
    "no_mirror_reached": QT_TR_NOOP("No mirror can be reached. Check the network and the proxy, then test again."),
    # Conversion of separate expert tensors, and joining of split parts
    "experts_differ": QT_TR_NOOP(
        "The experts in {path} differ in type or shape ({tensor}), so they can't be stacked, and no "
        "current engine loads them in this form. Choose another quantisation, or a file made after "
        "April 2024."
    ),
    "experts_missing": QT_TR_NOOP(
        "{path} doesn't contain all experts of a layer: {tensor} is missing. Download the file again, "
        "or choose another one."
    ),
    "experts_in_shards": QT_TR_NOOP(
        "{path} is one of {count} files of a model made before April 2024. Its experts can only be "
        "stacked in a single file. Merge the files with llama-gguf-split --merge and convert the "
        "result, or choose a newer file."
    ),
    "repair_not_needed": QT_TR_NOOP("{path} doesn't need to be converted. Use it directly."),
    "repair_running": QT_TR_NOOP("{path} is already being converted. Wait until it finishes."),
    "repair_no_room": QT_TR_NOOP(
        "Not enough disk space to convert {path}: {needed_bytes} are needed and {free_bytes} are free. "
        "Free some space, or convert it into a folder on another drive."
    ),
    "repair_stopped": QT_TR_NOOP(
        "The conversion of {path} was interrupted. Until it's finished, the file is kept as {working} "
        "and can't be used. Start the conversion again to continue."
    ),
    "repair_interrupted": QT_TR_NOOP(
        "The conversion of {path} can't continue ({detail}). Nothing is lost: the file is kept as "
        "{working} until the conversion is finished. Check the disk, then start the conversion again."
    ),
    "repair_blocked": QT_TR_NOOP(
        "Another file named {path} now exists, so the partly converted {working} can't be renamed "
        "back. Move the other file, then start the conversion again."
    ),
    "repair_record_lost": QT_TR_NOOP(
        "{working} is a partly converted file, and the record of its progress is missing. The "
        "conversion can't be finished. Delete the file and download it again."
    ),
    "not_parts": QT_TR_NOOP(
        "{name} isn't named like a split part of a model file. Choose parts of the same file, such as "
        "MODEL.gguf.part1of2 and MODEL.gguf.part2of2."
    ),
    "parts_twice": QT_TR_NOOP(
        "The parts of {name} are named inconsistently, so their order is unclear: {parts}. Keep only "
        "one set of parts in the folder."
    ),
    "parts_missing": QT_TR_NOOP(
        "Some parts of {name} are missing: {missing}. Put all its parts in one folder, then try again."
    ),
    "parts_in_folders": QT_TR_NOOP(
        "The parts of {name} are in different folders. Put them in one folder, then try again."
    ),
    "parts_are_shards": QT_TR_NOOP(
        "{path} is a separate model file, not a part that can be joined to others. Restore its "
        "published name, then open the first file of its set."
    ),
    "parts_do_not_fit": QT_TR_NOOP(
        "The parts of {name} don't match: their total size is {bytes}, but the file should be "
        "{expected_bytes}. Check whether a part is missing or belongs to another file, and download "
        "that part again."
    ),
    "join_running": QT_TR_NOOP("The parts of {path} are already being joined. Wait until that finishes."),
    "join_no_room": QT_TR_NOOP(
        "Not enough disk space to join the parts of {path}: {needed_bytes} are needed and {free_bytes} "
        "are free. Free some space, then start again."
    ),
    "join_stopped": QT_TR_NOOP(
        "Joining the parts of {path} was interrupted. Until it's finished, the file is kept as "
        "{working}. Start it again to continue."
    ),
    "join_interrupted": QT_TR_NOOP(
        "Joining the parts of {path} can't continue ({detail}). Nothing is lost. Check the disk, then start it again."
    ),
    "join_record_lost": QT_TR_NOOP(
        "{working} is a partly joined file, and its remaining parts or the record about them are "
        "missing. It can't be finished. Download the parts again."
    ),
    # Servers
    "server_unknown": QT_TR_NOOP(
        "The server used for this conversation is no longer in the list. Choose another model, or add the server again."
    ),
    "server_address_invalid": QT_TR_NOOP("{url} isn't a valid server address. Use the form http://127.0.0.1:8000/v1."),
    "server_unreachable": QT_TR_NOOP(
        "Can't reach {host} ({detail}). Check the network and the address, and that the server is running."
    ),
    "server_silent": QT_TR_NOOP(
        "{host} hasn't responded for {seconds} seconds. It may be overloaded. Try again later."
    ),
    "server_lost": QT_TR_NOOP(
        "The connection to {host} was lost before the answer was complete. The text received so far is "
        "kept. Continue or try again."
    ),
    "server_key_missing": QT_TR_NOOP("{host} requires an API key. Enter it in the settings under Servers."),
    "server_key_refused": QT_TR_NOOP(
        "{host} doesn't accept the API key. Enter the correct one in the settings under Servers."
    ),
    "server_not_verified": QT_TR_NOOP(
        "{host} can't prove that it is the PC whose API key you entered, so nothing was sent to it. If APUS Chat was "
        "reinstalled there, enter its new API key in the settings under Servers. If encryption was turned off there, "
        "remove the server and add it again."
    ),
    "server_self_signed": QT_TR_NOOP(
        "{host} has a certificate that only an API key of APUS Chat can vouch for. Copy the whole key from the "
        "settings of that PC, under Local server."
    ),
    "server_encrypted": QT_TR_NOOP(
        "{host} accepts encrypted connections only. Copy its API key from the settings of that PC, under Local server, "
        "and enter it in the settings under Servers."
    ),
    "server_not_an_api": QT_TR_NOOP(
        "{url} doesn't respond like an OpenAI-compatible server ({detail}). Check the address; most end in /v1."
    ),
    "server_busy": QT_TR_NOOP("{host} isn't accepting requests right now ({detail}). Wait a moment and try again."),
    "server_failing": QT_TR_NOOP(
        "{host} reported an error ({detail}). Try again, or see the server's log for more information."
    ),
    "server_refused": QT_TR_NOOP(
        "{host} refused the request ({detail}). Change the conversation settings, or choose another model."
    ),
    "server_model_missing": QT_TR_NOOP(
        "{host} doesn't offer {model}. Choose one of its models, listed in the settings under Servers."
    ),
    "server_context_full": QT_TR_NOOP(
        "The conversation is longer than {host} accepts ({detail}). Leave out the oldest messages, "
        "start a new conversation, or choose a model with a longer context."
    ),
    "key_variable_empty": QT_TR_NOOP("The environment variable {name} contains no key. Set it first."),
    "server_empty": QT_TR_NOOP("{host} lists no models. Load one on the server, then try again."),
}
