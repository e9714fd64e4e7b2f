"""The open conversation: controller, header, context, answer details."""
