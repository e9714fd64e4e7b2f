"""Pictures of messages: small versions, and the dialog that shows one."""
