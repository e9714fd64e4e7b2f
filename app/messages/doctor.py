"""The words of the doctor: what each finding is called, what was found, and what to do about it."""

from __future__ import annotations

from app.messages.marking import QT_TRANSLATE_NOOP

CONTEXT = "doctor"

SECONDS = QT_TRANSLATE_NOOP("doctor", "{count} s")
MINUTES = QT_TRANSLATE_NOOP("doctor", "{count} min")

PARTS: dict[str, str] = {
    "program": QT_TRANSLATE_NOOP("doctor", "Program"),
    "memory": QT_TRANSLATE_NOOP("doctor", "Memory"),
    "conversations": QT_TRANSLATE_NOOP("doctor", "Conversations"),
    "disk": QT_TRANSLATE_NOOP("doctor", "Disk"),
    "engine": QT_TRANSLATE_NOOP("doctor", "Engine and graphics cards"),
    "network": QT_TRANSLATE_NOOP("doctor", "Network"),
}

NAMES: dict[str, str] = {
    "program": QT_TRANSLATE_NOOP("doctor", "Version"),
    "libraries": QT_TRANSLATE_NOOP("doctor", "Libraries"),
    "system": QT_TRANSLATE_NOOP("doctor", "System"),
    "processor": QT_TRANSLATE_NOOP("doctor", "Processor"),
    "starter_model": QT_TRANSLATE_NOOP("doctor", "Starter model"),
    "keyring": QT_TRANSLATE_NOOP("doctor", "Keyring"),
    "fonts": QT_TRANSLATE_NOOP("doctor", "Fonts"),
    "window": QT_TRANSLATE_NOOP("doctor", "Window"),
    "memory": QT_TRANSLATE_NOOP("doctor", "RAM"),
    "swap": QT_TRANSLATE_NOOP("doctor", "Swap"),
    "database": QT_TRANSLATE_NOOP("doctor", "Database"),
    "backups": QT_TRANSLATE_NOOP("doctor", "Copies"),
    "data_folder": QT_TRANSLATE_NOOP("doctor", "Data folder"),
    "models_folder": QT_TRANSLATE_NOOP("doctor", "Models folder"),
    "disk_speed": QT_TRANSLATE_NOOP("doctor", "Reading speed"),
    "engine": QT_TRANSLATE_NOOP("doctor", "Engine"),
    "added_engine": QT_TRANSLATE_NOOP("doctor", "Added engine"),
    "devices": QT_TRANSLATE_NOOP("doctor", "Devices"),
    "device": QT_TRANSLATE_NOOP("doctor", "Device"),
    "card": QT_TRANSLATE_NOOP("doctor", "Card"),
    "rpc_server": QT_TRANSLATE_NOOP("doctor", "RPC server"),
    "graphics_card": QT_TRANSLATE_NOOP("doctor", "Graphics cards"),
    "hub": QT_TRANSLATE_NOOP("doctor", "Hub"),
    "server": QT_TRANSLATE_NOOP("doctor", "Server"),
    "trouble": QT_TRANSLATE_NOOP("doctor", "Not looked at"),
}
"""By the finding's id."""

TEXTS: dict[str, str] = {
    "plain": "{text}",
    "trouble": QT_TRANSLATE_NOOP("doctor", "This could not be looked at ({detail}). The log tells more."),
    # The program
    "program": QT_TRANSLATE_NOOP("doctor", "APUS Chat {version}, Python {python}"),
    "program_bundle": QT_TRANSLATE_NOOP("doctor", "APUS Chat {version}, bundled with Python {python}"),
    "cores": QT_TRANSLATE_NOOP("doctor", "{count} logical cores"),
    "missing": QT_TRANSLATE_NOOP("doctor", "missing"),
    "set_up": QT_TRANSLATE_NOOP("doctor", "Set the program up once more; that brings it."),
    "keyring_ok": QT_TRANSLATE_NOOP("doctor", "The system's keyring keeps tokens and keys."),
    "keyring_waits": QT_TRANSLATE_NOOP("doctor", "The system's keyring does not answer; it may be locked."),
    "unlock_keyring": QT_TRANSLATE_NOOP("doctor", "Unlock it, or look for a window that asks for its password."),
    "keyring_missing": QT_TRANSLATE_NOOP(
        "doctor", "No keyring: tokens and keys are kept until the program closes, and typed again then."
    ),
    "install_keyring": QT_TRANSLATE_NOOP(
        "doctor", "On Linux, install GNOME Keyring or KWallet and log in to the desktop again."
    ),
    "fonts_ok": QT_TRANSLATE_NOOP("doctor", "Chinese is drawn with {name}."),
    "fonts_missing": QT_TRANSLATE_NOOP("doctor", "No font on this machine has Chinese characters."),
    "install_fonts": QT_TRANSLATE_NOOP("doctor", "Install Noto Sans CJK SC, then start the program again."),
    "fonts_not_looked_at": QT_TRANSLATE_NOOP("doctor", "Not looked at from a terminal; the page in the window does."),
    "window_missing": QT_TRANSLATE_NOOP("doctor", "PySide6 is missing, so there is no window."),
    "window_no_display": QT_TRANSLATE_NOOP("doctor", "PySide6 {version}, but no display"),
    "desktop_session": QT_TRANSLATE_NOOP("doctor", "For the window, start it from a desktop session."),
    "window": QT_TRANSLATE_NOOP("doctor", "PySide6 {version}"),
    "window_shown": QT_TRANSLATE_NOOP("doctor", "PySide6 {version} on {platform}, scaled {scale} times"),
    # Memory
    "memory": QT_TRANSLATE_NOOP("doctor", "{available_bytes} available of {total_bytes}"),
    "no_swap": QT_TRANSLATE_NOOP("doctor", "none"),
    "swap": QT_TRANSLATE_NOOP("doctor", "{used_bytes} used of {total_bytes}"),
    "close_programs": QT_TRANSLATE_NOOP("doctor", "Close programs that you do not need now: answers slow down else."),
    # Conversations
    "no_database": QT_TRANSLATE_NOOP("doctor", "There is none yet; the first conversation makes it."),
    "database": QT_TRANSLATE_NOOP("doctor", "Whole, {size_bytes}"),
    "database_damaged": QT_TRANSLATE_NOOP("doctor", "{path} is damaged ({detail})."),
    "restore_backup": QT_TRANSLATE_NOOP(
        "doctor", "Close the program and start it again: it offers the newest whole copy."
    ),
    "backups": QT_TRANSLATE_NOOP("doctor", "{count}, the newest of {time} ({size_bytes})"),
    "no_backups": QT_TRANSLATE_NOOP("doctor", "None yet; one is made by itself every day."),
    # Disk
    "folder": QT_TRANSLATE_NOOP("doctor", "{path}, {free_bytes} free"),
    "make_writable": QT_TRANSLATE_NOOP(
        "doctor", "It cannot be written. Change its permissions, or choose another folder."
    ),
    "make_room": QT_TRANSLATE_NOOP("doctor", "Free some space before you download anything."),
    "disk_speed": QT_TRANSLATE_NOOP(
        "doctor", "{speed_bytes} per second: loading {name} ({size_bytes}) takes about {duration_s}"
    ),
    "disk_speed_cached": QT_TRANSLATE_NOOP(
        "doctor",
        "{speed_bytes} per second, perhaps from memory: loading {name} ({size_bytes}) takes about {duration_s} or more",
    ),
    "no_room_to_measure": QT_TRANSLATE_NOOP("doctor", "Not measured: there is too little free space."),
    "disk_unreadable": QT_TRANSLATE_NOOP("doctor", "It could not be measured ({detail})."),
    "faster_disk": QT_TRANSLATE_NOOP(
        "doctor", "Keep models on a faster disk: Settings, Downloads, where they are kept."
    ),
    # The engine
    "engine": QT_TRANSLATE_NOOP("doctor", "{engine} starts, built for {backends}"),
    "rebuild": QT_TRANSLATE_NOOP("doctor", "Build the engine anew."),
    "bundle_again": QT_TRANSLATE_NOOP("doctor", "Install the program again."),
    "devices_used": QT_TRANSLATE_NOOP("doctor", "Models lie on {names}; what has no room there is in RAM."),
    "processor_alone": QT_TRANSLATE_NOOP("doctor", "No graphics card: the processor computes everything."),
    "pretended": QT_TRANSLATE_NOOP("doctor", "GPUs are pretended (APUS_CHAT_GPUS is set)."),
    "device": QT_TRANSLATE_NOOP("doctor", "{description}, {backend}, {free_bytes} free of {total_bytes}"),
    "device_cpu": QT_TRANSLATE_NOOP("doctor", "{description}, {backend}"),
    "device_left_out": QT_TRANSLATE_NOOP("doctor", "{description}, {backend}, left out in the settings"),
    "card": QT_TRANSLATE_NOOP("doctor", "driver {driver}, nobody else holds its memory"),
    "card_held": QT_TRANSLATE_NOOP("doctor", "driver {driver}, held by {holders}"),
    "close_holders": QT_TRANSLATE_NOOP("doctor", "Close what you do not need of these; a model gets the room."),
    "gpus_idle": QT_TRANSLATE_NOOP("doctor", "You have {gpus}, which this build of the engine cannot use."),
    "build_backend": QT_TRANSLATE_NOOP("doctor", "Build the engine for it, then start the program again."),
    "other_bundle": QT_TRANSLATE_NOOP(
        "doctor",
        "Install the bundle for {backend}, or put its engine folder beside this program and start it again.",
    ),
    "added_engine": QT_TRANSLATE_NOOP("doctor", "{backend}, from {path}"),
    "added_engine_unfit": QT_TRANSLATE_NOOP(
        "doctor", "{path} is for version {version} of the engine and is not used; this program has {expected}."
    ),
    "other_engine": QT_TRANSLATE_NOOP("doctor", "Take the engine folder of the same release, or remove this one."),
    # The network
    "answers": QT_TRANSLATE_NOOP("doctor", "answers in {milliseconds} ms"),
    "silent": QT_TRANSLATE_NOOP("doctor", "does not answer within {seconds} s"),
    "other_endpoint": QT_TRANSLATE_NOOP(
        "doctor", "Check the connection and the proxy, or choose another hub in the settings under Downloads."
    ),
    "check_server": QT_TRANSLATE_NOOP("doctor", "Check that it runs and that its address in the settings is right."),
}
"""By the code of the text."""
