"""The transcript's own words: said once for a language and handed on as a value."""

from __future__ import annotations

from PySide6.QtCore import QObject

from ui.transcript.item import Words


class TranscriptWords(QObject):
    """Where they are translated.  A QObject for the sake of ``tr``."""

    def now(self) -> Words:
        """The words in the present language."""
        return Words(
            copy=self.tr("Copy"),
            copied=self.tr("Copied"),
            copy_code=self.tr("Copy code"),
            copy_link=self.tr("Copy link address"),
            open_link=self.tr("Open link…"),
            copy_markdown=self.tr("Copy as Markdown"),
            copy_message=self.tr("Copy message as text"),
            copy_message_markdown=self.tr("Copy message as Markdown"),
            select_all=self.tr("Select all"),
            retry=self.tr("Try again"),
            begin=self.tr("New conversation"),
            roll=self.tr("Leave out the oldest turns"),
            go_on=self.tr("Continue"),
            edit=self.tr("Edit"),
            fork=self.tr("New conversation from here"),
            details=self.tr("Answer details…"),
            export=self.tr("Export this message…"),
            pin=self.tr("Always keep in context"),
            unpin=self.tr("Unpin"),
            delete=self.tr("Delete from here on"),
            previous=self.tr("Previous version"),
            next=self.tr("Next version"),
            more=self.tr("More"),
            place=self.tr("Version {place} of {count}"),
            thinking=self.tr("Thinking…"),
            thought=self.tr("Thoughts"),
            thinking_for=self.tr("Thinking… {time}"),
            thought_for=self.tr("Thought for {time}"),
            seconds=self.tr("{seconds} s"),
            minutes=self.tr("{minutes} min {seconds} s"),
            open=self.tr("Show"),
            close=self.tr("Hide"),
            attachment=self.tr("Attachment: {name}"),
            pinned=self.tr("Pinned"),
            shown_in_part=self.tr("Only part is shown. Copy the message to get all of it."),
            jump=self.tr("Jump to the newest message"),
            conversation=self.tr("Conversation"),
            you=self.tr("You"),
            answer=self.tr("Answer"),
        )
