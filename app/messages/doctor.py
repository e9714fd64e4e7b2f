"""Texts of the diagnostics: name, result and next step of each check."""

from __future__ import annotations

from app.translation import QT_TRANSLATE_NOOP

CONTEXT = "doctor"

SECONDS = QT_TRANSLATE_NOOP("doctor", "{count} s")
MINUTES = QT_TRANSLATE_NOOP("doctor", "{count} min")

PARTS: dict[str, str] = {
    "program": QT_TRANSLATE_NOOP("doctor", "Program"),
    "memory": QT_TRANSLATE_NOOP("doctor", "Memory"),
    "conversations": QT_TRANSLATE_NOOP("doctor", "Conversations"),
    "disk": QT_TRANSLATE_NOOP("doctor", "Disk"),
    "engine": QT_TRANSLATE_NOOP("doctor", "Engine and GPUs"),
    "network": QT_TRANSLATE_NOOP("doctor", "Network"),
}

NAMES: dict[str, str] = {
    "program": QT_TRANSLATE_NOOP("doctor", "Version"),
    "libraries": QT_TRANSLATE_NOOP("doctor", "Libraries"),
    "system": QT_TRANSLATE_NOOP("doctor", "Operating system"),
    "processor": QT_TRANSLATE_NOOP("doctor", "CPU"),
    "starter_model": QT_TRANSLATE_NOOP("doctor", "Starter model"),
    "keyring": QT_TRANSLATE_NOOP("doctor", "Keyring"),
    "fonts": QT_TRANSLATE_NOOP("doctor", "Fonts"),
    "window": QT_TRANSLATE_NOOP("doctor", "Window"),
    "memory": QT_TRANSLATE_NOOP("doctor", "RAM"),
    "swap": QT_TRANSLATE_NOOP("doctor", "Swap"),
    "database": QT_TRANSLATE_NOOP("doctor", "Database"),
    "backups": QT_TRANSLATE_NOOP("doctor", "Backups"),
    "data_folder": QT_TRANSLATE_NOOP("doctor", "Data folder"),
    "models_folder": QT_TRANSLATE_NOOP("doctor", "Models folder"),
    "disk_speed": QT_TRANSLATE_NOOP("doctor", "Read speed"),
    "engine": QT_TRANSLATE_NOOP("doctor", "Engine"),
    "external_engine": QT_TRANSLATE_NOOP("doctor", "External engine"),
    "devices": QT_TRANSLATE_NOOP("doctor", "Devices"),
    "device": QT_TRANSLATE_NOOP("doctor", "Device"),
    "card": QT_TRANSLATE_NOOP("doctor", "GPU"),
    "rpc_server": QT_TRANSLATE_NOOP("doctor", "RPC server"),
    "graphics_card": QT_TRANSLATE_NOOP("doctor", "GPUs"),
    "hub": QT_TRANSLATE_NOOP("doctor", "Hub"),
    "server": QT_TRANSLATE_NOOP("doctor", "Server"),
    "trouble": QT_TRANSLATE_NOOP("doctor", "Not checked"),
}
"""By the finding's id."""

TEXTS: dict[str, str] = {
    "plain": "{text}",
    "trouble": QT_TRANSLATE_NOOP("doctor", "Couldn't be checked ({detail}). See the log for details."),
    # The program
    "program": QT_TRANSLATE_NOOP("doctor", "APUS Chat {version}, Python {python}"),
    "program_bundle": QT_TRANSLATE_NOOP("doctor", "APUS Chat {version}, bundled with Python {python}"),
    "cores": QT_TRANSLATE_NOOP("doctor", "{count} logical cores"),
    "missing": QT_TRANSLATE_NOOP("doctor", "missing"),
    "set_up": QT_TRANSLATE_NOOP("doctor", "Run the setup again to install it."),
    "keyring_ok": QT_TRANSLATE_NOOP("doctor", "Tokens and keys are stored in the system keyring."),
    "keyring_waits": QT_TRANSLATE_NOOP("doctor", "The system keyring doesn't respond; it may be locked."),
    "unlock_keyring": QT_TRANSLATE_NOOP("doctor", "Unlock it, or look for a window that asks for its password."),
    "keyring_missing": QT_TRANSLATE_NOOP(
        "doctor",
        "No keyring: tokens and keys are kept only until the program closes, and you need to enter them again.",
    ),
    "install_keyring": QT_TRANSLATE_NOOP(
        "doctor", "On Linux, install GNOME Keyring or KWallet and log in to the desktop again."
    ),
    "fonts_ok": QT_TRANSLATE_NOOP("doctor", "Chinese text uses {name}."),
    "fonts_missing": QT_TRANSLATE_NOOP("doctor", "No font on this computer has Chinese characters."),
    "install_fonts": QT_TRANSLATE_NOOP("doctor", "Install Noto Sans CJK SC, then restart the program."),
    "fonts_not_looked_at": QT_TRANSLATE_NOOP(
        "doctor", "Not checked from a terminal; run diagnostics in the window instead."
    ),
    "window_missing": QT_TRANSLATE_NOOP("doctor", "PySide6 is missing, so there is no window."),
    "window_no_display": QT_TRANSLATE_NOOP("doctor", "PySide6 {version}, but no display"),
    "desktop_session": QT_TRANSLATE_NOOP("doctor", "To use the window, start the program from a desktop session."),
    "window": QT_TRANSLATE_NOOP("doctor", "PySide6 {version}"),
    "window_shown": QT_TRANSLATE_NOOP("doctor", "PySide6 {version} on {platform}, scale factor {scale}"),
    # Memory
    "memory": QT_TRANSLATE_NOOP("doctor", "{available_bytes} available of {total_bytes}"),
    "no_swap": QT_TRANSLATE_NOOP("doctor", "none"),
    "swap": QT_TRANSLATE_NOOP("doctor", "{used_bytes} used of {total_bytes}"),
    "close_programs": QT_TRANSLATE_NOOP("doctor", "Close programs you don't need; otherwise answers slow down."),
    # Conversations
    "no_database": QT_TRANSLATE_NOOP("doctor", "None yet. Your first conversation creates it."),
    "database": QT_TRANSLATE_NOOP("doctor", "Intact, {size_bytes}"),
    "database_damaged": QT_TRANSLATE_NOOP("doctor", "{path} is damaged ({detail})."),
    "restore_backup": QT_TRANSLATE_NOOP(
        "doctor", "Restart the program; it offers to restore the newest intact backup."
    ),
    "backups": QT_TRANSLATE_NOOP("doctor", "{count}, newest from {time} ({size_bytes})"),
    "no_backups": QT_TRANSLATE_NOOP("doctor", "None yet. Backups are made automatically."),
    # Disk
    "folder": QT_TRANSLATE_NOOP("doctor", "{path}, {free_bytes} free"),
    "make_writable": QT_TRANSLATE_NOOP(
        "doctor", "The folder isn't writable. Change its permissions, or choose another folder."
    ),
    "make_room": QT_TRANSLATE_NOOP("doctor", "Free up some space before you download anything."),
    "disk_speed": QT_TRANSLATE_NOOP(
        "doctor", "{speed_bytes}/s: loading {name} ({size_bytes}) takes about {duration_s}"
    ),
    "disk_speed_cached": QT_TRANSLATE_NOOP(
        "doctor",
        "{speed_bytes}/s, possibly cached in RAM: loading {name} ({size_bytes}) takes about {duration_s} or more",
    ),
    "no_room_to_measure": QT_TRANSLATE_NOOP("doctor", "Not measured: not enough free space."),
    "disk_unreadable": QT_TRANSLATE_NOOP("doctor", "Couldn't be measured ({detail})."),
    "faster_disk": QT_TRANSLATE_NOOP(
        "doctor", "Keep models on a faster disk: change the models folder in Settings > Downloads."
    ),
    # The engine
    "engine": QT_TRANSLATE_NOOP("doctor", "{engine} starts; built for {backends}"),
    "rebuild": QT_TRANSLATE_NOOP("doctor", "Rebuild the engine."),
    "bundle_again": QT_TRANSLATE_NOOP("doctor", "Reinstall the program."),
    "devices_used": QT_TRANSLATE_NOOP("doctor", "Models load onto {names}; what doesn't fit goes into RAM."),
    "processor_alone": QT_TRANSLATE_NOOP("doctor", "No usable GPU: everything runs on the CPU."),
    "pretended": QT_TRANSLATE_NOOP("doctor", "GPUs are simulated (APUS_CHAT_GPUS is set)."),
    "device": QT_TRANSLATE_NOOP("doctor", "{description}, {backend}, {free_bytes} free of {total_bytes}"),
    "device_cpu": QT_TRANSLATE_NOOP("doctor", "{description}, {backend}"),
    "device_left_out": QT_TRANSLATE_NOOP("doctor", "{description}, {backend}, turned off in Settings"),
    "card": QT_TRANSLATE_NOOP("doctor", "driver {driver}, GPU memory not used by other programs"),
    "card_held": QT_TRANSLATE_NOOP("doctor", "driver {driver}, GPU memory used by {holders}"),
    "close_holders": QT_TRANSLATE_NOOP("doctor", "Close the ones you don't need to free GPU memory for the model."),
    "gpus_idle": QT_TRANSLATE_NOOP("doctor", "This build of the engine can't use your {gpus}."),
    "build_backend": QT_TRANSLATE_NOOP("doctor", "Build the engine for it, then restart the program."),
    "other_bundle": QT_TRANSLATE_NOOP(
        "doctor",
        "Install the {backend} bundle, or put its engine folder next to this program and restart it.",
    ),
    "external_engine": QT_TRANSLATE_NOOP("doctor", "{backend}, from {path}"),
    "added_engine_unfit": QT_TRANSLATE_NOOP(
        "doctor", "{path} is for engine version {version} and isn't used; this program has version {expected}."
    ),
    "other_engine": QT_TRANSLATE_NOOP("doctor", "Use the engine folder from the same release, or remove this one."),
    # The network
    "answers": QT_TRANSLATE_NOOP("doctor", "responds in {milliseconds} ms"),
    "silent": QT_TRANSLATE_NOOP("doctor", "no response within {seconds} s"),
    "other_endpoint": QT_TRANSLATE_NOOP(
        "doctor", "Check the connection and the proxy, or choose another hub in Settings > Downloads."
    ),
    "check_server": QT_TRANSLATE_NOOP(
        "doctor", "Check that the server is running and that its address in Settings is correct."
    ),
}
"""By the code of the text."""
