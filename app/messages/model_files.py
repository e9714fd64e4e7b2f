"""Sentences about getting model files: hubs, downloads, verification, repair, import."""

from __future__ import annotations

from app.messages.marking import QT_TRANSLATE_NOOP

MODEL_FILES: dict[str, str] = {
    "web_unreachable": QT_TRANSLATE_NOOP(
        "errors", "{host} cannot be reached ({detail}). Check the network and the proxy, or choose another mirror."
    ),
    "file_too_large": QT_TRANSLATE_NOOP(
        "errors",
        "The drive does not take a file as large as {path}; drives formatted with FAT32 end at 4 GiB. Choose a "
        "folder on another drive.",
    ),
    "file_exists": QT_TRANSLATE_NOOP(
        "errors",
        "There is already a file {path}. Choose another name, or move that file away first.",
    ),
    "chat_template_too_costly": QT_TRANSLATE_NOOP(
        "errors",
        "The chat template of this model did not come to an end within {seconds} s and {limit_bytes} of memory. "
        "Choose another model file.",
    ),
    "hyperparameters_absurd": QT_TRANSLATE_NOOP(
        "errors",
        "{path} says {key} = {value}, which no model has and the engine cannot take. The file is damaged or made to do "
        "harm: choose another one.",
    ),
    "is_web_page": QT_TRANSLATE_NOOP(
        "errors",
        "{path} holds a web page and no model: a sign-in page or an error was saved in its place. Delete it and "
        "download the model again.",
    ),
    "is_lfs_pointer": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is only a Git LFS pointer, a note of some hundred bytes in place of the model. Run git lfs pull in its "
        "folder, or download the model again.",
    ),
    # What a hub tells
    "hub_unreachable": QT_TRANSLATE_NOOP(
        "errors", "{host} cannot be reached ({detail}). Check the network and the proxy, or choose another mirror."
    ),
    "hub_answer_strange": QT_TRANSLATE_NOOP(
        "errors",
        "What answered for {host} is no hub ({detail}). If this network wants a log-in, open any web page in a browser "
        "first; otherwise check the address of the mirror.",
    ),
    "hub_busy": QT_TRANSLATE_NOOP(
        "errors", "{host} takes no more questions for the moment. Wait some minutes, or choose another mirror."
    ),
    "hub_failed": QT_TRANSLATE_NOOP(
        "errors", "{host} has trouble of its own (status {status}). Try again later, or choose another mirror."
    ),
    "hub_id_unclear": QT_TRANSLATE_NOOP(
        "errors",
        "{id} names no model on a hub. Write OWNER/REPO:FILE, or one of the names of the catalogue (apus:Q2_K).",
    ),
    "published_ambiguous": QT_TRANSLATE_NOOP(
        "errors", "Several models in {repository} could be meant. Write which one: {known}."
    ),
    "published_incomplete": QT_TRANSLATE_NOOP(
        "errors",
        "{name} is not complete in {repository}: {missing} is not there. Choose another quantisation or another "
        "repository.",
    ),
    "published_parts_unclear": QT_TRANSLATE_NOOP(
        "errors",
        "The parts of {name} in {repository} are numbered in several ways, so that nobody can tell their order. Choose "
        "another quantisation or another repository.",
    ),
    "published_file_changed": QT_TRANSLATE_NOOP(
        "errors",
        "{name} in {repository} is no longer the file that this program knows, says {host}. Choose another mirror, or "
        "download another model.",
    ),
    "secret_stays": QT_TRANSLATE_NOOP(
        "errors",
        "The system's keyring did not give up the saved entry ({detail}). Unlock the keyring and try again, or delete "
        "the entry {service} there by hand.",
    ),
    # The library, its folders, import and deletion
    "model_not_downloaded": QT_TRANSLATE_NOOP(
        "errors",
        "{id} is not on this machine yet. Download it first: in the models dialog, or with apus-chat models download.",
    ),
    "model_in_folder": QT_TRANSLATE_NOOP(
        "errors",
        "{id} is listed because it lies in the folder {folder}. Delete the file, or take the folder off the list.",
    ),
    "unfinished_download": QT_TRANSLATE_NOOP(
        "errors", "{path} is a download that was not finished. Let the program that began it finish it first."
    ),
    "file_quarantined": QT_TRANSLATE_NOOP(
        "errors",
        "{path} was set aside because it is not the published file. Mend it in the models dialog, or download it "
        "again.",
    ),
    "not_in_quarantine": QT_TRANSLATE_NOOP(
        "errors", "{path} is not in quarantine. Choose a file whose name ends in .gguf.bad."
    ),
    "file_is_a_link": QT_TRANSLATE_NOOP(
        "errors", "{path} is a link into the folder of another program. Let that program deal with the file."
    ),
    "file_of_another_program": QT_TRANSLATE_NOOP(
        "errors",
        "{path} belongs to the program that fills {folder}. Delete it there, or take the folder off the list.",
    ),
    "file_not_deleted": QT_TRANSLATE_NOOP(
        "errors", "{path} cannot be deleted ({detail}). Close what has it open, and try again."
    ),
    "folder_missing": QT_TRANSLATE_NOOP(
        "errors", "There is no folder {path}. Plug in its drive, or choose another folder."
    ),
    "no_models_in_folder": QT_TRANSLATE_NOOP(
        "errors", "There is no model file in {path}. Choose a folder with files that end in .gguf."
    ),
    # Moving the models folder
    "folders_nested": QT_TRANSLATE_NOOP(
        "errors", "One of the folders {path} and {other} lies in the other. Choose a folder that is apart from it."
    ),
    "move_running": QT_TRANSLATE_NOOP(
        "errors", "The models folder is being moved by another window or process. Wait until that is done."
    ),
    "move_unfinished": QT_TRANSLATE_NOOP(
        "errors", "The move of the models from {path} to {target} is not finished. Finish or abandon it first."
    ),
    "models_in_use": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is being downloaded, repaired or joined. Pause that or let it finish, then move the models folder.",
    ),
    "original_stays": QT_TRANSLATE_NOOP(
        "errors",
        "Everything was moved, but {path} in the old folder cannot be deleted ({detail}). Close what has it open, and "
        "move once more to the same folder.",
    ),
    "copy_differs": QT_TRANSLATE_NOOP(
        "errors",
        "The disk gave back something else than was written to {path}. Nothing was moved; check the disk, or choose "
        "another.",
    ),
    # Magnet links
    "torrent_not_installed": QT_TRANSLATE_NOOP(
        "errors",
        "Magnet links need libtorrent, which is not installed. Run {command} in a terminal and try again.",
    ),
    "magnet_not_understood": QT_TRANSLATE_NOOP(
        "errors",
        "The magnet link cannot be understood ({detail}). Copy the whole link again, from magnet: to its end.",
    ),
    "torrent_without_model": QT_TRANSLATE_NOOP(
        "errors",
        "What the magnet link offers ({name}) holds no GGUF model. Look for another link.",
    ),
    "torrent_holds_several": QT_TRANSLATE_NOOP(
        "errors",
        "The magnet link offers several models. Add & and one of these to its end to say which: {known}.",
    ),
    "torrent_no_peers": QT_TRANSLATE_NOOP(
        "errors",
        "Nobody who has the rest of the files can be reached at the moment ({peers} connected). Leave it running, or "
        "download the model from a hub.",
    ),
    "torrent_failed": QT_TRANSLATE_NOOP(
        "errors",
        "The download of the magnet link failed ({detail}). Start it again to go on with what is here.",
    ),
    # Downloads
    "connection_lost": QT_TRANSLATE_NOOP(
        "errors", "The connection to {host} broke ({detail}). Check the network, or choose another mirror."
    ),
    "web_silent": QT_TRANSLATE_NOOP(
        "errors", "{host} sent nothing for {seconds} s. Check the network, or choose another mirror."
    ),
    "web_busy": QT_TRANSLATE_NOOP(
        "errors",
        "{host} takes no more requests for the moment (status {status}). Wait a little, or choose another mirror.",
    ),
    "web_failing": QT_TRANSLATE_NOOP(
        "errors", "{host} has trouble of its own (status {status}). Try again later, or choose another mirror."
    ),
    "web_refused": QT_TRANSLATE_NOOP(
        "errors", "{host} refused the request (status {status}). Choose another mirror, or check the token."
    ),
    "web_answer_wrong": QT_TRANSLATE_NOOP(
        "errors",
        "{host} answered with something else than was asked for ({detail}). A proxy may be in the way: choose another "
        "mirror or another proxy.",
    ),
    "web_address_invalid": QT_TRANSLATE_NOOP(
        "errors", "{url} is not an address that can be opened. Check the address of the hub in the settings."
    ),
    "redirect_loop": QT_TRANSLATE_NOOP("errors", "{host} sends in circles. Choose another mirror, or try again later."),
    "link_ended": QT_TRANSLATE_NOOP(
        "errors", "{host} no longer accepts its link (status {status}). A new one is being asked for; just wait."
    ),
    "captive_portal": QT_TRANSLATE_NOOP(
        "errors",
        "{host} answered with a web page in place of the file. If this network wants a log-in, open any page in a "
        "browser first; otherwise choose another mirror.",
    ),
    "tls_failed": QT_TRANSLATE_NOOP(
        "errors",
        "The certificate of {host} cannot be trusted ({detail}). Check the clock, and whether this network wants a "
        "log-in or inspects traffic; or choose another mirror.",
    ),
    "proxy_failed": QT_TRANSLATE_NOOP(
        "errors", "The proxy {proxy} does not let the connection through ({detail}). Check the proxy in the settings."
    ),
    "gated_without_token": QT_TRANSLATE_NOOP(
        "errors",
        "{repository} is open only to people who accepted its terms. Accept them on {host}, and enter a token of your "
        "account in the settings.",
    ),
    "gated_refused": QT_TRANSLATE_NOOP(
        "errors",
        "The token in the settings has no access to {repository}. Accept the terms of the model on {host} with the "
        "same account, or enter another token.",
    ),
    "token_refused": QT_TRANSLATE_NOOP(
        "errors", "{host} does not know the token in the settings. Enter a new one, or remove it."
    ),
    "repository_missing": QT_TRANSLATE_NOOP(
        "errors", "{host} has no repository {repository}, or shows it to nobody without a token. Choose another mirror."
    ),
    "revision_missing": QT_TRANSLATE_NOOP(
        "errors", "{host} has no version {revision} of {repository}. Choose another mirror."
    ),
    "published_file_missing": QT_TRANSLATE_NOOP(
        "errors", "{host} has no file {name} in {repository}. Choose another mirror, or look for the model again."
    ),
    "published_size_differs": QT_TRANSLATE_NOOP(
        "errors",
        "{host} has a file of {bytes} where {expected_bytes} were published. Choose another mirror, or look for the "
        "model again.",
    ),
    "published_shorter": QT_TRANSLATE_NOOP(
        "errors",
        "{name} is published with {bytes}, but its header speaks of {expected_bytes}: a part is missing. Choose "
        "another repository.",
    ),
    "lfs_pointer_instead": QT_TRANSLATE_NOOP(
        "errors",
        "What is published as {name} is only a Git LFS pointer, not the model. Choose another mirror or another "
        "repository.",
    ),
    "web_page_instead": QT_TRANSLATE_NOOP(
        "errors", "What is published as {name} is a web page, not a model. Choose another mirror or another repository."
    ),
    "name_not_allowed": QT_TRANSLATE_NOOP(
        "errors", "The hub calls a file {name}, which is not a safe name for a model file. Choose another repository."
    ),
    "download_busy": QT_TRANSLATE_NOOP(
        "errors", "{path} is being downloaded by another window or process. Wait until that is done."
    ),
    "download_damaged": QT_TRANSLATE_NOOP(
        "errors",
        "What arrived of {name} is not what was published. It was set aside as {path}: mend it, which fetches the "
        "damaged parts again, best from another mirror.",
    ),
    "file_in_the_way": QT_TRANSLATE_NOOP(
        "errors", "There is another file {path} already. Move it away or delete it, then download again."
    ),
    "partial_of_another_file": QT_TRANSLATE_NOOP(
        "errors",
        "{path} holds {bytes} of an older version of this model, of which no more can be had. Cancel that download, "
        "which deletes them, and begin anew.",
    ),
    "origin_unknown": QT_TRANSLATE_NOOP(
        "errors", "Nothing is known of where {path} came from, so it cannot be mended. Download it again."
    ),
    "disk_too_small": QT_TRANSLATE_NOOP(
        "errors",
        "{path} has {free_bytes} free, and {needed_bytes} are needed. Free some space, or put the models folder on "
        "another drive.",
    ),
    "disk_full_while_downloading": QT_TRANSLATE_NOOP(
        "errors",
        "The disk is full, so {path} cannot grow. Free some space and resume; what was fetched is kept.",
    ),
    "folder_not_writable": QT_TRANSLATE_NOOP(
        "errors", "Nothing can be written to {path} ({detail}). Choose another models folder in the settings."
    ),
    "disk_failed": QT_TRANSLATE_NOOP(
        "errors", "The disk reports an error at {path} ({detail}). Check the drive, or choose another models folder."
    ),
    # Said on the command line
    "parts_to_be_joined": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is one of {count} parts of a model. Join them first: in the models dialog, or with apus-chat models "
        "repair.",
    ),
    "file_not_published": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is not the published file {published}, or is damaged. Mend it with apus-chat models verify --mend, or "
        "download it again.",
    ),
    "deletion_unconfirmed": QT_TRANSLATE_NOOP(
        "errors",
        "Nothing was deleted: {path} takes {bytes}. Add --delete --yes to delete it for good.",
    ),
    # Settings
    "address_not_understood": QT_TRANSLATE_NOOP(
        "errors", "{address} is not the address of an endpoint. It begins with https:// and names a host."
    ),
    "proxy_not_understood": QT_TRANSLATE_NOOP(
        "errors", "{address} is not the address of a proxy. Write it as http://HOST:PORT or socks5://HOST:PORT."
    ),
    "no_mirror_reached": QT_TRANSLATE_NOOP(
        "errors", "None of the mirrors could be reached. Check the network and the proxy, then test again."
    ),
}
