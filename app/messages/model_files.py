"""Error messages about model files: hubs, downloads, verification, conversion, import."""

from __future__ import annotations

from app.translation import QT_TRANSLATE_NOOP

MODEL_FILES: dict[str, str] = {
    "web_unreachable": QT_TRANSLATE_NOOP(
        "errors", "Couldn't connect to {host} ({detail}). Check the network and the proxy, or choose another mirror."
    ),
    "file_too_large": QT_TRANSLATE_NOOP(
        "errors",
        "The drive can't store a file as large as {path}; FAT32 drives are limited to 4 GiB per file. "
        "Choose a folder on another drive.",
    ),
    "file_exists": QT_TRANSLATE_NOOP(
        "errors",
        "The file {path} already exists. Choose another name, or move the file first.",
    ),
    "chat_template_too_costly": QT_TRANSLATE_NOOP(
        "errors",
        "The model's chat template didn't finish within the limits ({seconds} s, {limit_bytes} of "
        "memory). Choose another model file.",
    ),
    "hyperparameters_absurd": QT_TRANSLATE_NOOP(
        "errors",
        "{path} sets {key} = {value}, which no model uses and the engine can't handle. The file is "
        "damaged or malicious; choose another file.",
    ),
    "is_web_page": QT_TRANSLATE_NOOP(
        "errors",
        "{path} contains a web page instead of a model: a sign-in or error page was saved in its "
        "place. Delete it and download the model again.",
    ),
    "is_lfs_pointer": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is only a Git LFS pointer, a file of about a hundred bytes that stands in for the "
        "model. Run git lfs pull in its folder, or download the model again.",
    ),
    # What a hub tells
    "hub_unreachable": QT_TRANSLATE_NOOP(
        "errors", "Couldn't connect to {host} ({detail}). Check the network and the proxy, or choose another mirror."
    ),
    "hub_answer_strange": QT_TRANSLATE_NOOP(
        "errors",
        "The response from {host} didn't come from a hub ({detail}). If this network requires you to "
        "sign in, open any web page in a browser first; otherwise check the address of the mirror.",
    ),
    "hub_busy": QT_TRANSLATE_NOOP(
        "errors", "{host} isn't accepting more requests at the moment. Wait a few minutes, or choose another mirror."
    ),
    "hub_failed": QT_TRANSLATE_NOOP(
        "errors", "{host} reported a server error (status {status}). Try again later, or choose another mirror."
    ),
    "hub_id_unclear": QT_TRANSLATE_NOOP(
        "errors",
        "{id} isn't a model on a hub. Use OWNER/REPO:FILE or a catalogue name (apus:Q2_K).",
    ),
    "published_ambiguous": QT_TRANSLATE_NOOP("errors", "Several models in {repository} match. Specify one of {known}."),
    "published_incomplete": QT_TRANSLATE_NOOP(
        "errors",
        "{name} is incomplete in {repository}: {missing} is missing. Choose another quantisation or "
        "another repository.",
    ),
    "published_parts_unclear": QT_TRANSLATE_NOOP(
        "errors",
        "The parts of {name} in {repository} are numbered inconsistently, so their order is unclear. "
        "Choose another quantisation or another repository.",
    ),
    "published_file_changed": QT_TRANSLATE_NOOP(
        "errors",
        "According to {host}, {name} in {repository} is no longer the file that this program expects. "
        "Choose another mirror, or download another model.",
    ),
    "secret_stays": QT_TRANSLATE_NOOP(
        "errors",
        "The system keyring couldn't delete the saved entry ({detail}). Unlock the keyring and try "
        "again, or delete the entry {service} manually.",
    ),
    # The library, its folders, import and deletion
    "model_not_downloaded": QT_TRANSLATE_NOOP(
        "errors",
        "{id} isn't on this computer yet. Download it first in the models dialog or with apus-chat models download.",
    ),
    "model_in_folder": QT_TRANSLATE_NOOP(
        "errors",
        "{id} is listed because it's in the folder {folder}. Delete the file, or remove the folder from the list.",
    ),
    "unfinished_download": QT_TRANSLATE_NOOP(
        "errors", "{path} is an unfinished download. Let the program that started it finish it first."
    ),
    "file_quarantined": QT_TRANSLATE_NOOP(
        "errors",
        "{path} was quarantined because it doesn't match the published file. Re-download its damaged "
        "parts in the models dialog, or download it again.",
    ),
    "not_in_quarantine": QT_TRANSLATE_NOOP(
        "errors", "{path} isn't quarantined. Choose a file whose name ends in .gguf.bad."
    ),
    "file_is_a_link": QT_TRANSLATE_NOOP(
        "errors", "{path} is a link into another program's folder. Manage the file in that program."
    ),
    "file_of_another_program": QT_TRANSLATE_NOOP(
        "errors",
        "{path} belongs to the program that manages {folder}. Delete it there, or remove the folder from the list.",
    ),
    "file_not_deleted": QT_TRANSLATE_NOOP(
        "errors", "Can't delete {path} ({detail}). Close any program that has it open, and try again."
    ),
    "folder_missing": QT_TRANSLATE_NOOP(
        "errors", "The folder {path} doesn't exist. Connect its drive, or choose another folder."
    ),
    "no_models_in_folder": QT_TRANSLATE_NOOP(
        "errors", "No model files found in {path}. Choose a folder that contains .gguf files."
    ),
    # Moving the models folder
    "folders_nested": QT_TRANSLATE_NOOP(
        "errors", "One of the folders {path} and {other} is inside the other. Choose a folder outside it."
    ),
    "move_running": QT_TRANSLATE_NOOP(
        "errors", "Another window or process is moving the models folder. Wait until it finishes."
    ),
    "move_unfinished": QT_TRANSLATE_NOOP(
        "errors", "Moving the models from {path} to {target} isn't finished. Finish or cancel that move first."
    ),
    "models_in_use": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is being downloaded, converted or joined. Pause it or let it finish, then move the models folder.",
    ),
    "original_stays": QT_TRANSLATE_NOOP(
        "errors",
        "Everything was moved, but {path} in the old folder can't be deleted ({detail}). Close any "
        "program that has it open, then move to the same folder again.",
    ),
    "copy_differs": QT_TRANSLATE_NOOP(
        "errors",
        "The data read back from {path} doesn't match what was written. Nothing was moved. Check the "
        "disk, or choose another one.",
    ),
    # Magnet links
    "torrent_not_installed": QT_TRANSLATE_NOOP(
        "errors",
        "Magnet links require libtorrent, which isn't installed. Run {command} in a terminal, then try again.",
    ),
    "magnet_not_understood": QT_TRANSLATE_NOOP(
        "errors",
        "The magnet link isn't valid ({detail}). Copy the whole link again, starting with magnet:.",
    ),
    "torrent_without_model": QT_TRANSLATE_NOOP(
        "errors",
        "The magnet link ({name}) contains no GGUF model. Find another link.",
    ),
    "torrent_holds_several": QT_TRANSLATE_NOOP(
        "errors",
        "The magnet link contains several models. To choose one, add & and one of these to the end of "
        "the link: {known}.",
    ),
    "torrent_no_peers": QT_TRANSLATE_NOOP(
        "errors",
        "No peer with the remaining files can be reached ({peers} connected). Keep the download "
        "running, or download the model from a hub.",
    ),
    "torrent_failed": QT_TRANSLATE_NOOP(
        "errors",
        "The magnet link download failed ({detail}). Start it again to continue from the data you already have.",
    ),
    # Downloads
    "connection_lost": QT_TRANSLATE_NOOP(
        "errors", "The connection to {host} was lost ({detail}). Check the network, or choose another mirror."
    ),
    "web_silent": QT_TRANSLATE_NOOP(
        "errors", "{host} hasn't sent any data for {seconds} s. Check the network, or choose another mirror."
    ),
    "web_busy": QT_TRANSLATE_NOOP(
        "errors",
        "{host} isn't accepting requests right now (status {status}). Wait a moment, or choose another mirror.",
    ),
    "web_failing": QT_TRANSLATE_NOOP(
        "errors", "{host} reported a server error (status {status}). Try again later, or choose another mirror."
    ),
    "web_refused": QT_TRANSLATE_NOOP(
        "errors", "{host} refused the request (status {status}). Choose another mirror, or check the access token."
    ),
    "web_answer_wrong": QT_TRANSLATE_NOOP(
        "errors",
        "{host} sent an unexpected response ({detail}). A proxy may be interfering. Choose another "
        "mirror or another proxy.",
    ),
    "web_address_invalid": QT_TRANSLATE_NOOP(
        "errors", "{url} isn't a valid address. Check the hub address in the settings."
    ),
    "redirect_loop": QT_TRANSLATE_NOOP(
        "errors", "{host} redirects in a loop. Choose another mirror, or try again later."
    ),
    "link_ended": QT_TRANSLATE_NOOP(
        "errors", "The download link from {host} has expired (status {status}). Getting a new one; no action is needed."
    ),
    "captive_portal": QT_TRANSLATE_NOOP(
        "errors",
        "{host} sent a web page instead of the file. If this network requires you to sign in, open any "
        "page in a browser first. Otherwise, choose another mirror.",
    ),
    "tls_failed": QT_TRANSLATE_NOOP(
        "errors",
        "The certificate of {host} isn't trusted ({detail}). Check the system clock, and whether this "
        "network requires you to sign in or inspects traffic, or choose another mirror.",
    ),
    "proxy_failed": QT_TRANSLATE_NOOP(
        "errors", "The proxy {proxy} blocks the connection ({detail}). Check the proxy in the settings."
    ),
    "gated_without_token": QT_TRANSLATE_NOOP(
        "errors",
        "{repository} is available only to people who have accepted its terms. Accept them on {host}, "
        "then enter an access token for your account in the settings.",
    ),
    "gated_refused": QT_TRANSLATE_NOOP(
        "errors",
        "The access token in the settings has no access to {repository}. Accept the model's terms on "
        "{host} with the same account, or enter another access token.",
    ),
    "token_refused": QT_TRANSLATE_NOOP(
        "errors", "{host} doesn't recognise the access token in the settings. Enter a new one, or remove it."
    ),
    "repository_missing": QT_TRANSLATE_NOOP(
        "errors",
        "{host} has no repository {repository}, or requires an access token to show it. Choose another mirror.",
    ),
    "revision_missing": QT_TRANSLATE_NOOP(
        "errors", "{host} has no version {revision} of {repository}. Choose another mirror."
    ),
    "published_file_missing": QT_TRANSLATE_NOOP(
        "errors", "{host} has no file {name} in {repository}. Choose another mirror, or search for the model again."
    ),
    "published_size_differs": QT_TRANSLATE_NOOP(
        "errors",
        "The file on {host} is {bytes}, but the published size is {expected_bytes}. Choose another "
        "mirror, or search for the model again.",
    ),
    "published_shorter": QT_TRANSLATE_NOOP(
        "errors",
        "{name} is published with {bytes}, but its header specifies {expected_bytes}: part of it is "
        "missing. Choose another repository.",
    ),
    "lfs_pointer_instead": QT_TRANSLATE_NOOP(
        "errors",
        "The file published as {name} is only a Git LFS pointer, not the model. Choose another mirror "
        "or another repository.",
    ),
    "web_page_instead": QT_TRANSLATE_NOOP(
        "errors",
        "The file published as {name} is a web page, not a model. Choose another mirror or another repository.",
    ),
    "name_not_allowed": QT_TRANSLATE_NOOP(
        "errors", "The hub uses the file name {name}, which isn't safe for a model file. Choose another repository."
    ),
    "download_busy": QT_TRANSLATE_NOOP(
        "errors", "Another window or process is downloading {path}. Wait until it finishes."
    ),
    "download_damaged": QT_TRANSLATE_NOOP(
        "errors",
        "The downloaded {name} doesn't match the published file and was quarantined as {path}. "
        "Re-download the damaged parts, preferably from another mirror.",
    ),
    "file_in_the_way": QT_TRANSLATE_NOOP(
        "errors", "Another file named {path} already exists. Move or delete it, then download again."
    ),
    "partial_of_another_file": QT_TRANSLATE_NOOP(
        "errors",
        "{path} contains {bytes} of an older version of this model; the rest of that version is no "
        "longer available. Cancel that download, which deletes this data, and start over.",
    ),
    "origin_unknown": QT_TRANSLATE_NOOP(
        "errors",
        "The origin of {path} is unknown, so its damaged parts can't be re-downloaded. Download the whole file again.",
    ),
    "disk_too_small": QT_TRANSLATE_NOOP(
        "errors",
        "{path} has {free_bytes} free, but {needed_bytes} are needed. Free some space, or move the "
        "models folder to another drive.",
    ),
    "disk_full_while_downloading": QT_TRANSLATE_NOOP(
        "errors",
        "The disk is full, so {path} can't be written. Free some space and resume. The data downloaded so far is kept.",
    ),
    "disk_failed": QT_TRANSLATE_NOOP(
        "errors", "The disk reported an error at {path} ({detail}). Check the drive, or choose another models folder."
    ),
    # Said on the command line
    "parts_to_be_joined": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is one of {count} split parts of a model. Join them first, in the models dialog or "
        "with apus-chat models repair.",
    ),
    "file_not_published": QT_TRANSLATE_NOOP(
        "errors",
        "{path} is damaged or isn't the published file {published}. Re-download the damaged parts with "
        "apus-chat models verify --mend, or download the whole file again.",
    ),
    "deletion_unconfirmed": QT_TRANSLATE_NOOP(
        "errors",
        "Nothing was deleted. {path} takes up {bytes}. To delete it permanently, add --delete --yes.",
    ),
    # Settings
    "address_not_understood": QT_TRANSLATE_NOOP(
        "errors", "{address} isn't a valid endpoint address. It must start with https:// and include a host name."
    ),
    "proxy_not_understood": QT_TRANSLATE_NOOP(
        "errors", "{address} isn't a valid proxy address. Use the form http://HOST:PORT or socks5://HOST:PORT."
    ),
    "no_mirror_reached": QT_TRANSLATE_NOOP(
        "errors", "No mirror can be reached. Check the network and the proxy, then test again."
    ),
}
