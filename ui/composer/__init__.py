"""The composer: text field, attachments, drafts."""
