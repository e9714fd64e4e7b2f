"""Texts of the diagnostics: name, result and next step of each check."""

from __future__ import annotations

from app.translation import QT_TR_NOOP

SECONDS = QT_TR_NOOP("{count} s")
SEPARATOR = QT_TR_NOOP(", ")
"""Between the items of a list."""
MINUTES = QT_TR_NOOP("{count} min")

REPORT = QT_TR_NOOP("APUS Chat: report about this computer")
MARKS: dict[str, str] = {"ok": QT_TR_NOOP("ok"), "warning": QT_TR_NOOP("warning"), "bad": QT_TR_NOOP("bad")}
"""Before the results of a report, by their severity."""

PARTS: dict[str, str] = {
    "program": QT_TR_NOOP("Program"),
    "memory": QT_TR_NOOP("RAM and swap"),
    "conversations": QT_TR_NOOP("Conversations"),
    "disk": QT_TR_NOOP("Disk"),
    "engine": QT_TR_NOOP("Engine and GPUs"),
    "network": QT_TR_NOOP("Network"),
}

NAMES: dict[str, str] = {
    "program": QT_TR_NOOP("Version"),
    "libraries": QT_TR_NOOP("Libraries"),
    "system": QT_TR_NOOP("Operating system"),
    "processor": QT_TR_NOOP("CPU"),
    "starter_model": QT_TR_NOOP("Starter model"),
    "keyring": QT_TR_NOOP("Keyring"),
    "fonts": QT_TR_NOOP("Fonts"),
    "emoji": QT_TR_NOOP("Emoji"),
    "window": QT_TR_NOOP("Window"),
    "memory": QT_TR_NOOP("RAM"),
    "swap": QT_TR_NOOP("Swap"),
    "database": QT_TR_NOOP("Database"),
    "backups": QT_TR_NOOP("Backups"),
    "data_folder": QT_TR_NOOP("Data folder"),
    "models_folder": QT_TR_NOOP("Models folder"),
    "disk_use": QT_TR_NOOP("Disk use"),
    "disk_speed": QT_TR_NOOP("Read speed"),
    "engine": QT_TR_NOOP("Engine"),
    "external_engine": QT_TR_NOOP("External engine"),
    "devices": QT_TR_NOOP("Devices"),
    "device": QT_TR_NOOP("Device"),
    "card": QT_TR_NOOP("GPU"),
    "rpc_server": QT_TR_NOOP("RPC server"),
    "graphics_card": QT_TR_NOOP("GPUs"),
    "hub": QT_TR_NOOP("Hub"),
    "server": QT_TR_NOOP("Server"),
    "trouble": QT_TR_NOOP("Not checked"),
}
"""By the finding's id."""

TEXTS: dict[str, str] = {
    "plain": "{text}",
    "trouble": QT_TR_NOOP("Couldn't be checked ({detail}). See the log for details."),
    # The program
    "program": QT_TR_NOOP("APUS Chat {version}, Python {python}"),
    "program_bundle": QT_TR_NOOP("APUS Chat {version}, bundled with Python {python}"),
    "cores": QT_TR_NOOP("{count} logical cores"),
    "missing": QT_TR_NOOP("missing"),
    "set_up": QT_TR_NOOP("Run the setup again to install it."),
    "keyring_ok": QT_TR_NOOP("Tokens and keys are stored in the system keyring."),
    "keyring_waits": QT_TR_NOOP("The system keyring doesn't respond; it may be locked."),
    "unlock_keyring": QT_TR_NOOP("Unlock it, or look for a window that asks for its password."),
    "keyring_missing": QT_TR_NOOP(
        "No keyring: tokens and keys are kept only until the program closes, and you need to enter them again."
    ),
    "install_keyring": QT_TR_NOOP("On Linux, install GNOME Keyring or KWallet and log in to the desktop again."),
    "fonts_ok": QT_TR_NOOP("Chinese text uses {name}."),
    "fonts_missing": QT_TR_NOOP("No font on this computer has Chinese characters."),
    "emoji_missing": QT_TR_NOOP("No font on this computer has emoji: they are shown as boxes."),
    "install_emoji": QT_TR_NOOP("Install Noto Color Emoji, then restart the program."),
    "install_fonts": QT_TR_NOOP("Install Noto Sans CJK SC, then restart the program."),
    "fonts_not_looked_at": QT_TR_NOOP("Not checked from a terminal; run diagnostics in the window instead."),
    "window_missing": QT_TR_NOOP("PySide6 is missing, so there is no window."),
    "window_no_display": QT_TR_NOOP("PySide6 {version}, but no display"),
    "desktop_session": QT_TR_NOOP("To use the window, start the program from a desktop session."),
    "window": QT_TR_NOOP("PySide6 {version}"),
    "window_shown": QT_TR_NOOP("PySide6 {version} on {platform}, scale factor {scale}"),
    # Memory
    "memory": QT_TR_NOOP("{available_bytes} available of {total_bytes}"),
    "no_swap": QT_TR_NOOP("none"),
    "swap": QT_TR_NOOP("{used_bytes} used of {total_bytes}"),
    "close_programs": QT_TR_NOOP("Close programs you don't need; otherwise models may not fit, or answer slowly."),
    # Conversations
    "no_database": QT_TR_NOOP("None yet. Your first conversation creates it."),
    "database": QT_TR_NOOP("Intact, {size_bytes}"),
    "database_damaged": QT_TR_NOOP("{path} is damaged ({detail})."),
    "database_missing": QT_TR_NOOP("{path} is missing or empty, but there are backups."),
    "restore_backup": QT_TR_NOOP("Restart the program; it offers to restore the newest intact backup."),
    "backups": QT_TR_NOOP("{count}, newest from {time} ({size_bytes})"),
    "no_backups": QT_TR_NOOP("None yet. Backups are made automatically."),
    # Disk
    "folder": QT_TR_NOOP("{path}, {free_bytes} free"),
    "make_writable": QT_TR_NOOP("The folder isn't writable. Change its permissions, or choose another folder."),
    "make_room": QT_TR_NOOP("Free up some space before you download anything."),
    "disk_speed": QT_TR_NOOP("{speed_bytes}/s: loading {name} ({size_bytes}) takes about {duration_s}"),
    "disk_speed_cached": QT_TR_NOOP(
        "{speed_bytes}/s, possibly cached in RAM: loading {name} ({size_bytes}) takes about {duration_s} or more"
    ),
    "read_speed": "{speed_bytes}/s",
    "read_speed_cached": QT_TR_NOOP("{speed_bytes}/s, possibly cached in RAM"),
    "disk_use": QT_TR_NOOP(
        "{total_bytes} in all. Models: {models_bytes}, conversations: {conversations_bytes}, backups: {backups_bytes}, "
        "conversation cache: {states_bytes}, other: {other_bytes}"
    ),
    "no_room_to_measure": QT_TR_NOOP("Not measured: not enough free space."),
    "disk_unreadable": QT_TR_NOOP("Couldn't be measured ({detail})."),
    "faster_disk": QT_TR_NOOP("Keep models on a faster disk: change the models folder in Settings > Downloads."),
    # The engine
    "engine": QT_TR_NOOP("{engine} starts; built for {backends}"),
    "rebuild": QT_TR_NOOP("Rebuild the engine."),
    "bundle_again": QT_TR_NOOP("Reinstall the program."),
    "devices_used": QT_TR_NOOP("Models load onto {names}; what doesn't fit goes into RAM."),
    "processor_alone": QT_TR_NOOP("No usable GPU: everything runs on the CPU."),
    "pretended": QT_TR_NOOP("GPUs are simulated (APUS_CHAT_GPUS is set)."),
    "device": QT_TR_NOOP("{description}, {backend}, {free_bytes} free of {total_bytes}"),
    "device_cpu": QT_TR_NOOP("{description}, {backend}"),
    "device_left_out": QT_TR_NOOP("{description}, {backend}, turned off in Settings"),
    "card": QT_TR_NOOP("driver {driver}, GPU memory not used by other programs"),
    "card_held": QT_TR_NOOP("driver {driver}, GPU memory used by {holders}"),
    "close_holders": QT_TR_NOOP("Close the ones you don't need to free GPU memory for the model."),
    "gpus_idle": QT_TR_NOOP("This build of the engine can't use your {gpus}."),
    "build_backend": QT_TR_NOOP("Build the engine for it, then restart the program."),
    "other_bundle": QT_TR_NOOP(
        "Install the {backend} bundle, or put its engine folder next to this program and restart it."
    ),
    "external_engine": QT_TR_NOOP("{backend}, from {path}"),
    "added_engine_unfit": QT_TR_NOOP(
        "{path} is for engine version {version} and isn't used; this program has version {expected}."
    ),
    "other_engine": QT_TR_NOOP("Use the engine folder from the same release, or remove this one."),
    # The network
    "answers": QT_TR_NOOP("responds in {milliseconds} ms"),
    "silent": QT_TR_NOOP("no response within {seconds} s"),
    "other_endpoint": QT_TR_NOOP("Check the connection and the proxy, or choose another hub in Settings > Downloads."),
    "check_server": QT_TR_NOOP("Check that the server is running and that its address in Settings is correct."),
}
"""By the code of the text."""
