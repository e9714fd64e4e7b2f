"""From what a model wrote to blocks that can be drawn: no Qt, no colours, nothing loaded from anywhere."""
